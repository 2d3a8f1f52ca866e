%module hello
int hello(int a);
