/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of QEMU, which its guest has taken over: it says on its channels whatever a test wants. The program that is
 * started in it is a lie by its name, below; one that is killed ends, and SHUTDOWN is not heeded.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As instance/protocol.h: this is to be a program that nothing is linked into. */
enum {
        HELLO = 1,
        START,
        STARTED,
        ERROR,
        DONE,
        STDOUT = 8,
        END = 10,
        WINDOW,
        SIGNAL = 13,
        STATE = 16,
        EXITED,
        CONFIGURE
};
enum { HEADER = 8, MAX_FRAME = 19 << 20, PROGRAM = 1 };

#define GREETING                                                                                                       \
        "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0},\"package\":\"\"},\"capabilities\":[]}" \
        "}\r\n"
#define RETURN "{\"return\":{},\"id\":%llu}\r\n"
#define EVENT "{\"event\":\"RTC_CHANGE\",\"data\":{\"offset\":1}}\r\n"
#define FULL                                                                                                    \
        "{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"action\":\"stop\",\"reason\":\"No space left \\u001b[2J on " \
        "device\"}}\r\n"

struct channels {
        int qmp, agent;
};

static void say(int fd, const void *data, size_t len)
{
        for (const char *p = data; len;) {
                ssize_t n = write(fd, p, len);

                if (n <= 0)
                        exit(0);
                p += n;
                len -= (size_t)n;
        }
}

static uint32_t number(const unsigned char *p)
{
        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void frame(int fd, unsigned type, unsigned session, const void *payload, uint32_t len)
{
        unsigned char text[HEADER + 4096] = {
                (unsigned char)len,     (unsigned char)(len >> 8),    0, 0, (unsigned char)type, 0,
                (unsigned char)session, (unsigned char)(session >> 8)
        };

        memcpy(text + HEADER, payload, len);
        say(fd, text, HEADER + len);
}

/* ---- lies ---- */

static _Noreturn void flood(int fd, unsigned type, unsigned session, uint32_t len)
{
        static const unsigned char payload[4096] = { 1 };

        for (;;)
                frame(fd, type, session, payload, len);
}

static _Noreturn void flood_events(int fd)
{
        static char many[1024 * sizeof(EVENT)];

        for (int i = 0; i < 1024; i++)
                strcat(many, EVENT);
        for (;;)
                say(fd, many, strlen(many));
}

static void lie(const struct channels *c, const char *name, unsigned session)
{
        if (strcmp(name, "early") == 0)
                flood(c->agent, WINDOW, session, 4);
        frame(c->agent, STARTED, session, "{}", 2);
        if (strcmp(name, "done") == 0)
                flood(c->agent, DONE, session, 0);
        if (strcmp(name, "states") == 0)
                flood(c->agent, STATE, session, 4096);
        if (strcmp(name, "windows") == 0)
                flood(c->agent, WINDOW, session, 4);
        if (strcmp(name, "started") == 0)
                flood(c->agent, STARTED, session, 4096);
        if (strcmp(name, "empty") == 0)
                flood(c->agent, STDOUT, session, 0);
        /* What is said to it is not read any more. */
        if (strcmp(name, "deaf") == 0)
                flood(c->agent, STDOUT, session, 1);
        if (strcmp(name, "events") == 0)
                flood_events(c->qmp);
        if (strcmp(name, "full") == 0)
                say(c->qmp, FULL, strlen(FULL));
        if (strcmp(name, "gone") == 0)
                exit(0);
}

/* "args":["NAME",... */
static void take_start(const struct channels *c, const unsigned char *f, uint32_t len, unsigned session)
{
        static const char key[] = "\"args\":[\"";
        const char *at = memmem(f, len, key, strlen(key));
        char name[32] = "";

        if (at)
                snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + strlen(key), "\""), at + strlen(key));
        lie(c, name, session);
}

/* ---- what is heard ---- */

static void take(const struct channels *c, const unsigned char *f, uint32_t len)
{
        unsigned type = f[4], session = f[6] | (unsigned)f[7] << 8;

        if (type == HELLO)
                frame(c->agent, HELLO, 0, f + HEADER, 4);
        else if (type == CONFIGURE)
                frame(c->agent, DONE, 0, NULL, 0);
        else if (type == START)
                take_start(c, f + HEADER, len, session);
        else if (type == SIGNAL && session == PROGRAM && number(f + HEADER) == 9)
                frame(c->agent, EXITED, session, "{\"exit\":137}", 12);
}

static size_t hear_agent(const struct channels *c, unsigned char *data, size_t have)
{
        ssize_t n = read(c->agent, data + have, MAX_FRAME - have);
        size_t at = 0;

        if (n <= 0)
                exit(0);
        have += (size_t)n;
        while (have - at >= HEADER && have - at >= HEADER + number(data + at)) {
                take(c, data + at, number(data + at));
                at += HEADER + number(data + at);
        }
        memmove(data, data + at, have - at);
        return have - at;
}

/* Each command's answer has its number, the last member. */
static void hear_qmp(const struct channels *c)
{
        static const char number[] = ",\"id\":";
        char text[4096], answer[64];
        ssize_t n = read(c->qmp, text, sizeof(text) - 1);

        if (n <= 0)
                _exit(0);
        text[n] = '\0';
        for (const char *at = text; (at = strstr(at, number)); at += strlen(number)) {
                snprintf(answer, sizeof(answer), RETURN, strtoull(at + strlen(number), NULL, 10));
                say(c->qmp, answer, strlen(answer));
        }
}

int main(int argc, char **argv)
{
        unsigned char *data = malloc(MAX_FRAME);
        struct channels c = { -1, -1 };
        size_t have = 0;

        for (int i = 1; i < argc; i++) {
                (void)sscanf(argv[i], "socket,id=qmp,fd=%d", &c.qmp);
                (void)sscanf(argv[i], "socket,id=agent,fd=%d", &c.agent);
        }
        if (!data || c.qmp < 0 || c.agent < 0)
                return 1;
        say(c.qmp, GREETING, strlen(GREETING));
        for (;;) {
                struct pollfd p[] = { { .fd = c.qmp, .events = POLLIN }, { .fd = c.agent, .events = POLLIN } };

                poll(p, 2, -1);
                if (p[0].revents)
                        hear_qmp(&c);
                if (p[1].revents)
                        have = hear_agent(&c, data, have);
        }
}
