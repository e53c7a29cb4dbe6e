/* SPDX-License-Identifier: Apache-2.0 */
#include "spec_fixture.h"

#define OPTIONS(list) MOUNT("'type':'tmpfs','options':[" list "]")
#define MAPPINGS "[{'containerID':0,'hostID':1000,'size':10}]"

/* mount_setattr(2) and mount(2), in numbers. */
enum {
        RDONLY = 1,
        NOSUID = 2,
        NODEV = 4,
        NOEXEC = 8,
        ATIME = 0x70,
        NOATIME = 0x10,
        STRICTATIME = 0x20,
        NODIRATIME = 0x80,
        NOSYMFOLLOW = 0x200000
};
enum { UNBINDABLE = 1 << 17, PRIVATE = 1 << 18, SLAVE = 1 << 19, SHARED = 1 << 20, REC = 16384 };

struct expected {
        const char *option;
        uint64_t set, clr, rec_set, rec_clr;
        unsigned long propagation;
        const char *data;
        bool bind, bind_recursive, remount, tmpcopyup, idmap, idmap_recursive;
};

/* Every option of the table in config.md, alone on a tmpfs. */
static const struct expected options[] = {
        { "async" },
        { "atime", .clr = ATIME },
        { "bind", .bind = true },
        { "defaults" },
        { "dev", .clr = NODEV },
        { "diratime", .clr = NODIRATIME },
        { "dirsync", .data = "dirsync" },
        { "exec", .clr = NOEXEC },
        { "idmap", .idmap = true },
        { "iversion" },
        { "lazytime", .data = "lazytime" },
        { "loud" },
        { "mand", .data = "mand" },
        { "noatime", .set = NOATIME, .clr = ATIME },
        { "nodev", .set = NODEV },
        { "nodiratime", .set = NODIRATIME },
        { "noexec", .set = NOEXEC },
        { "noiversion" },
        { "nolazytime" },
        { "nomand" },
        { "norelatime", .clr = ATIME },
        { "nostrictatime", .clr = ATIME },
        { "nosuid", .set = NOSUID },
        { "nosymfollow", .set = NOSYMFOLLOW },
        { "private", .propagation = PRIVATE },
        { "ratime", .rec_clr = ATIME },
        { "rbind", .bind = true, .bind_recursive = true },
        { "rdev", .rec_clr = NODEV },
        { "rdiratime", .rec_clr = NODIRATIME },
        { "relatime", .clr = ATIME },
        { "remount", .remount = true },
        { "rexec", .rec_clr = NOEXEC },
        { "ridmap", .idmap = true, .idmap_recursive = true },
        { "rnoatime", .rec_set = NOATIME, .rec_clr = ATIME },
        { "rnodev", .rec_set = NODEV },
        { "rnodiratime", .rec_set = NODIRATIME },
        { "rnoexec", .rec_set = NOEXEC },
        { "rnorelatime", .rec_clr = ATIME },
        { "rnostrictatime", .rec_clr = ATIME },
        { "rnosuid", .rec_set = NOSUID },
        { "rnosymfollow", .rec_set = NOSYMFOLLOW },
        { "ro", .set = RDONLY },
        { "rprivate", .propagation = PRIVATE | REC },
        { "rrelatime", .rec_clr = ATIME },
        { "rro", .rec_set = RDONLY },
        { "rrw", .rec_clr = RDONLY },
        { "rshared", .propagation = SHARED | REC },
        { "rslave", .propagation = SLAVE | REC },
        { "rstrictatime", .rec_set = STRICTATIME, .rec_clr = ATIME },
        { "rsuid", .rec_clr = NOSUID },
        { "rsymfollow", .rec_clr = NOSYMFOLLOW },
        { "runbindable", .propagation = UNBINDABLE | REC },
        { "rw", .clr = RDONLY },
        { "shared", .propagation = SHARED },
        { "silent" },
        { "slave", .propagation = SLAVE },
        { "strictatime", .set = STRICTATIME, .clr = ATIME },
        { "suid", .clr = NOSUID },
        { "symfollow", .clr = NOSYMFOLLOW },
        { "sync", .data = "sync" },
        { "tmpcopyup", .tmpcopyup = true },
        { "unbindable", .propagation = UNBINDABLE },
};

static void assert_mount(const struct spec_mount *m, const struct expected *want)
{
        if (m->attr_set != want->set || m->attr_clr != want->clr || m->rec_attr_set != want->rec_set ||
            m->rec_attr_clr != want->rec_clr || m->propagation != want->propagation || m->bind != want->bind ||
            m->bind_recursive != want->bind_recursive || m->remount != want->remount ||
            m->tmpcopyup != want->tmpcopyup || m->idmap != want->idmap || m->idmap_recursive != want->idmap_recursive)
                fail_msg("%s", want->option);
        assert_int_equal(m->data.n, want->data ? 1 : 0);
        if (want->data)
                assert_string_equal(m->data.v[0], want->data);
        assert_null(m->data.v[m->data.n]);
}

static void test_every_option(void **state)
{
        /* idmap wants mappings from somewhere. */
        static const char doc[] = DOC("'mounts':[{'destination':'/x','type':'tmpfs','options':['%']}],"
                                      "'linux':{'namespaces':[{'type':'user','path':'/x'}]}");

        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                own_mem char *text = spec_text(doc, options[i].option);
                own_spec struct spec s = {};

                assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
                assert_mount(&s.mounts[0], &options[i]);
        }
}

/* `features` names what is understood: the options above, sorted as the search needs it. */
static void test_option_names(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                assert_string_equal(oci_mount_options[i], options[i].option);
        assert_null(oci_mount_options[ARRAY_SIZE(options)]);
        for (size_t i = 1; i < ARRAY_SIZE(options); i++)
                assert_true(strcmp(oci_mount_options[i - 1], oci_mount_options[i]) < 0);
}

static void assert_options(const char *list, const struct expected *want)
{
        own_mem char *text = spec_text(OPTIONS("%"), list);
        own_spec struct spec s = {};

        assert_int_equal(spec_parse(text, strlen(text), &s, NULL), 0);
        assert_mount(&s.mounts[0], want);
}

static void test_later_options_win(void **state)
{
        assert_options("'ro','rw'", &(struct expected){ "ro,rw", .clr = RDONLY });
        assert_options("'rw','ro'", &(struct expected){ "rw,ro", .set = RDONLY });
        assert_options("'nosuid','nodev','suid'", &(struct expected){ "suid", .set = NODEV, .clr = NOSUID });
        assert_options("'noatime','strictatime'",
                       &(struct expected){ "strictatime", .set = STRICTATIME, .clr = ATIME });
        assert_options("'strictatime','noatime'", &(struct expected){ "noatime", .set = NOATIME, .clr = ATIME });
        assert_options("'noatime','relatime','nodiratime'",
                       &(struct expected){ "relatime", .set = NODIRATIME, .clr = ATIME });
        assert_options("'rnoatime','rstrictatime','rro','rrw'",
                       &(struct expected){ "rec", .rec_set = STRICTATIME, .rec_clr = ATIME | RDONLY });
        assert_options("'shared','rslave'", &(struct expected){ "rslave", .propagation = SLAVE | REC });
        assert_options("'sync','async'", &(struct expected){ "async" });
        assert_options("'async','sync'", &(struct expected){ "sync", .data = "sync" });
        assert_options("'ro','rrw'", &(struct expected){ "ro,rrw", .set = RDONLY, .rec_clr = RDONLY });
}

static void test_data(void **state)
{
        own_spec struct spec s =
                spec_accepted(OPTIONS("'size=64k','nosuid','mode=755','','sync','dirsync','rox','RO','x=ro'"));
        static const char *const want[] = { "size=64k", "mode=755", "rox", "RO", "x=ro", "dirsync", "sync" };
        const struct spec_mount *m = &s.mounts[0];

        assert_int_equal(m->data.n, ARRAY_SIZE(want));
        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                assert_string_equal(m->data.v[i], want[i]);
        assert_null(m->data.v[ARRAY_SIZE(want)]);
        assert_true(m->attr_set == NOSUID);
}

/* Only a superblock that is there already can have a flag to be turned off. */
static void test_remount_turns_off(void **state)
{
        own_spec struct spec s = spec_accepted(OPTIONS("'remount','async','nolazytime','mand'"));
        const struct spec_mount *m = &s.mounts[0];

        assert_true(m->remount);
        assert_int_equal(m->data.n, 3);
        assert_string_equal(m->data.v[0], "nolazytime");
        assert_string_equal(m->data.v[1], "mand");
        assert_string_equal(m->data.v[2], "async");
}

static void test_bind(void **state)
{
        own_spec struct spec by_type = spec_accepted(MOUNT("'type':'bind','source':'/s'"));
        own_spec struct spec by_option =
                spec_accepted(MOUNT("'type':'none','source':'s','options':['rbind','bind','sync','async','silent']"));

        assert_true(by_type.mounts[0].bind && !by_type.mounts[0].bind_recursive);
        assert_string_equal(by_type.mounts[0].source, "/s");
        assert_true(by_option.mounts[0].bind && by_option.mounts[0].bind_recursive);
        assert_int_equal(by_option.mounts[0].data.n, 0);
        spec_refused(MOUNT("'type':'bind','options':['ro','size=1']"),
                     "mounts[0].options: a bind mount cannot take \"size=1\"");
        spec_refused(MOUNT("'options':['x','rbind']"), "mounts[0].options: a bind mount cannot take \"x\"");
}

static void test_members(void **state)
{
        own_spec struct spec s =
                spec_accepted(DOC("'mounts':[{'destination':'rel/x','type':'','source':''},{'destination':'/"
                                  "proc','type':'proc','source':'proc'}]"));

        assert_int_equal(s.n_mounts, 2);
        assert_string_equal(s.mounts[0].destination, "rel/x");
        assert_null(s.mounts[0].type);
        assert_null(s.mounts[0].source);
        assert_int_equal(s.mounts[0].data.n, 0);
        assert_null(s.mounts[0].data.v[0]);
        assert_string_equal(s.mounts[1].type, "proc");
        REFUSED_EACH(DOC("'mounts':[{'destination':'/'},{%}]"), "mounts[1].destination: must be given", "",
                     "'destination':''", "'destination':null");
        spec_refused(DOC("'mounts':[{'destination':1}]"), "mounts[0].destination: expected a string");
        spec_refused(MOUNT("'type':1"), "mounts[0].type: expected a string");
        spec_refused(MOUNT("'source':1"), "mounts[0].source: expected a string");
        spec_refused(MOUNT("'options':'ro'"), "mounts[0].options: expected an array");
        spec_refused(MOUNT("'options':['ro',1]"), "mounts[0].options[1]: expected a string");
}

static void test_mappings(void **state)
{
        own_spec struct spec s =
                spec_accepted(MOUNT("'type':'bind','uidMappings':" MAPPINGS ",'gidMappings':" MAPPINGS));
        const struct spec_mount *m = &s.mounts[0];

        assert_true(m->idmap && !m->idmap_recursive);
        assert_int_equal(m->uid_mappings.n, 1);
        assert_int_equal(m->gid_mappings.v[0].host_id, 1000);
        spec_refused(MOUNT("'type':'bind','uidMappings':" MAPPINGS), "mounts[0].gidMappings: must be given too");
        spec_refused(MOUNT("'type':'bind','gidMappings':" MAPPINGS), "mounts[0].uidMappings: must be given too");
        spec_refused(MOUNT("'uidMappings':[{'containerID':0,'hostID':0}]"),
                     "mounts[0].uidMappings[0].size: must be given");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_option),      cmocka_unit_test(test_option_names),
                cmocka_unit_test(test_later_options_win), cmocka_unit_test(test_data),
                cmocka_unit_test(test_remount_turns_off), cmocka_unit_test(test_bind),
                cmocka_unit_test(test_members),           cmocka_unit_test(test_mappings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
