/* Starts a program inside a directory as its root, with /proc mounted there, without being root on this machine.
 *
 *   enter ROOT CWD [NAME=VALUE]... -- PROGRAM [ARGUMENT]...
 *   enter ROOT CWD -- --realpath PATH...      prints each real path (empty: none), each ended by a NUL
 *   enter ROOT CWD -- --nobody PROGRAM ...    as another user, so that set-id bits count; for root alone
 *   enter / / -- PROGRAM ...                  no other root, only the rights of one
 *
 * Exit 77: this machine does not allow it. Exit 126: the kernel did not start PROGRAM; the reason is on stderr. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void must(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "enter: %s: %s\n", what, strerror(errno));
    exit(77);
}

static void write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY);
    must(file, path);
    must(write(file, text, strlen(text)), path);
    close(file);
}

int main(int argc, char **argv)
{
    int is_root = geteuid() == 0;
    struct statvfs disk;
    char proc[4096], map[64], *root = argv[1], *cwd = argv[2], **environment = argv + 3, **program = argv + 3;
    if (argc < 5)
        return 77;
    while (*program && strcmp(*program, "--") != 0)
        program++;
    if (!*program || !program[1])
        return 77;
    *program++ = NULL;
    if (!is_root) {
        unsigned user = geteuid(), group = getegid();
        must(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", user);
        write_file("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", group);
        write_file("/proc/self/gid_map", map);
    } else {
        must(unshare(CLONE_NEWNS), "unshare");
    }
    if (strcmp(root, "/") != 0) {
        must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
        snprintf(proc, sizeof proc, "%s/proc", root);
        must(mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL), "/proc");
        must(chroot(root), "chroot");
    }
    must(chdir(cwd), cwd);
    if (strcmp(*program, "--realpath") == 0) {
        while (*++program) {
            char *real = realpath(*program, NULL);
            printf("%s%c", real ? real : "", 0);
        }
        return 0;
    }
    if (strcmp(*program, "--nobody") == 0) {
        program++;
        must(statvfs("/", &disk), "/");
        errno = EPERM;
        must(is_root && !(disk.f_flag & ST_NOSUID) ? 0 : -1, "set-id programs");
        must(setgroups(0, NULL), "setgroups");
        must(setgid(65534), "setgid");
        must(setuid(65534), "setuid");
    }
    execve(*program, program, environment);
    fprintf(stderr, "enter: %s: %s\n", *program, strerror(errno));
    return 126;
}
