/* Says hello, and as whom it runs: the tests see that an image runs as an unprivileged user. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
    printf("hello from C, as %d:%d\n", (int)getuid(), (int)getgid());
    return 0;
}
