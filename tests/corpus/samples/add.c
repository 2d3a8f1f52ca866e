char add(char a, char b)
{
  return a + b;
}
