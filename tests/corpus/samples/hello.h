int add(int a, int b);
enum color { RED, GREEN };
