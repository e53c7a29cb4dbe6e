/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs expect of files, tried in the working directory: says what does not hold, and ends with 1 then.
 *
 *   guest_files           all that one process can try
 *   guest_files lock      waits for a lock of the file `lock` (fcntl(2)), writes `got`, and says so
 *   guest_files locked    whether another has one: 0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failures;

#define HOLDS(what)                                                                             \
        do {                                                                                    \
                if (!(what)) {                                                                  \
                        printf("%d: %s does not hold: %s\n", __LINE__, #what, strerror(errno)); \
                        failures++;                                                             \
                }                                                                               \
        } while (0)

static int make(const char *name, const char *content)
{
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

        HOLDS(fd >= 0);
        HOLDS(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
        return fd;
}

static int is(const char *name, const char *content)
{
        char text[64] = "";
        int fd = open(name, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

        close(fd);
        return n >= 0 && strcmp(text, content) == 0;
}

static void renames(void)
{
        close(make("r1", "1"));
        close(make("r2", "2"));
        HOLDS(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_NOREPLACE) < 0 && errno == EEXIST);
        HOLDS(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_EXCHANGE) == 0);
        HOLDS(is("r1", "2") && is("r2", "1"));
        HOLDS(rename("r1", "r2") == 0 && is("r2", "2") && access("r1", F_OK) < 0);
        HOLDS(mkdir("rd", 0755) == 0 && mkdir("rd/in", 0755) == 0);
        HOLDS(rename("rd", "rd/in/x") < 0 && errno == EINVAL);
        close(make("rd/in/f", "f"));
        HOLDS(rename("rd", "re") == 0 && is("re/in/f", "f"));
        HOLDS(rmdir("re") < 0 && errno == ENOTEMPTY);
        HOLDS(unlink("re/in/f") == 0 && rmdir("re/in") == 0 && rmdir("re") == 0);
}

static void mappings(void)
{
        int fd = make("map", "0123456789");
        char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        HOLDS(p != MAP_FAILED && memcmp(p, "0123456789", 10) == 0);
        memcpy(p, "mapped", 6);
        HOLDS(msync(p, 4096, MS_SYNC) == 0 && munmap(p, 4096) == 0);
        HOLDS(is("map", "mapped6789"));
        close(fd);
}

static void holes(void)
{
        int fd = make("holes", "");
        static char block[65536];
        struct stat st;

        memset(block, 'x', sizeof block);
        HOLDS(pwrite(fd, block, sizeof block, 1 << 20) == sizeof block);
        HOLDS(lseek(fd, 0, SEEK_DATA) == 1 << 20);
        HOLDS(lseek(fd, 1 << 20, SEEK_HOLE) == (1 << 20) + (int)sizeof block);
        HOLDS(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 1 << 20, sizeof block) == 0);
        HOLDS(fallocate(fd, 0, 0, 8192) == 0);
        HOLDS(fstat(fd, &st) == 0 && st.st_size == (1 << 20) + (int)sizeof block && st.st_blocks <= 32);
        HOLDS(pread(fd, block, 1, 1 << 20) == 1 && !*block);
        close(fd);
}

static void attributes(void)
{
        char value[16] = "";

        close(make("x", ""));
        HOLDS(setxattr("x", "user.a", "b", 1, XATTR_CREATE) == 0);
        HOLDS(setxattr("x", "user.a", "b", 1, XATTR_CREATE) < 0 && errno == EEXIST);
        HOLDS(getxattr("x", "user.a", value, sizeof value) == 1 && *value == 'b');
        HOLDS(listxattr("x", value, sizeof value) == 7 && strcmp(value, "user.a") == 0);
        HOLDS(removexattr("x", "user.a") == 0 && getxattr("x", "user.a", value, sizeof value) < 0);
        HOLDS(setxattr("x", "trusted.a", "b", 1, 0) < 0);
}

static void open_files(void)
{
        struct stat st;
        char text[8] = "";
        int fd = make("gone", "here"), other = open("gone", O_RDONLY);

        HOLDS(unlink("gone") == 0);
        HOLDS(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 4);
        HOLDS(ftruncate(fd, 2) == 0 && read(other, text, sizeof text) == 2);
        HOLDS(fchmod(fd, 0600) == 0);
        close(fd);
        close(other);
        fd = open("append", O_WRONLY | O_CREAT | O_APPEND, 0600);
        HOLDS(write(fd, "a", 1) == 1 && truncate("append", 0) == 0 && write(fd, "b", 1) == 1);
        HOLDS(is("append", "b"));
        close(fd);
        HOLDS(mkfifo("pipe", 0600) == 0 && open("pipe", O_WRONLY | O_NONBLOCK) < 0 && errno == ENXIO);
        HOLDS(mknod("device", S_IFCHR | 0600, 0x103) < 0 && errno == EPERM);
}

static int set_lock(int fd, int how, int wait)
{
        struct flock l = { .l_type = (short)how, .l_whence = SEEK_SET };

        return fcntl(fd, wait ? F_SETLKW : F_SETLK, &l);
}

static int test_lock(int fd)
{
        struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        return fcntl(fd, F_GETLK, &l) < 0 ? -1 : l.l_type != F_UNLCK;
}

/* Of another process, given up when it closes any descriptor of the file. */
static void locks(void)
{
        int fd = make("locks", "x"), status, go[2];
        pid_t pid;
        char c;

        HOLDS(set_lock(fd, F_WRLCK, 0) == 0 && pipe(go) == 0);
        pid = fork();
        if (pid == 0) {
                failures = 0;
                HOLDS(set_lock(fd, F_WRLCK, 0) < 0 && test_lock(fd) == 1);
                HOLDS(write(go[1], "", 1) == 1 && set_lock(fd, F_WRLCK, 1) == 0);
                _exit(failures);
        }
        HOLDS(read(go[0], &c, 1) == 1);
        close(open("locks", O_RDONLY));
        HOLDS(waitpid(pid, &status, 0) == pid && status == 0);
        HOLDS(flock(fd, LOCK_EX) == 0);
        pid = open("locks", O_RDWR);
        HOLDS(flock(pid, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
        close(fd);
        HOLDS(flock(pid, LOCK_EX | LOCK_NB) == 0);
        close(pid);
}

static void nothing(int signo)
{
}

static void interrupted_lock(void)
{
        const struct sigaction a = { .sa_handler = nothing };
        int fd = make("locks", "x"), other = open("locks", O_RDWR);

        HOLDS(flock(other, LOCK_EX) == 0 && sigaction(SIGALRM, &a, NULL) == 0);
        alarm(1);
        HOLDS(flock(fd, LOCK_EX) < 0 && errno == EINTR);
        close(fd);
        close(other);
}

int main(int argc, char **argv)
{
        int fd;

        if (argc > 1) {
                fd = open("lock", O_RDWR);
                if (strcmp(argv[1], "locked") == 0)
                        return test_lock(fd) != 1;
                HOLDS(set_lock(fd, F_WRLCK, 1) == 0);
                close(make("got", "got"));
                return failures > 0;
        }
        renames();
        mappings();
        holes();
        attributes();
        open_files();
        locks();
        interrupted_lock();
        return failures > 0;
}
