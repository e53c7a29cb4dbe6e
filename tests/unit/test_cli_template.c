/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker 20.10 prints for the same templates; what it refuses is refused in other words. */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "cli/misuse.h"
#include "cli/template.h"

static const char image[] =
        "{\"ID\":\"0123\",\"Repository\":\"debian\",\"Tag\":\"12\",\"Size\":7,\"Big\":18446744073709551615,"
        "\"Ratio\":1.5,\"On\":true,\"Nothing\":null,"
        "\"Config\":{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"z.y\":\"last\",\"a\":\"first\"},\"Cmd\":[]}}";

static const char instance[] =
        "{\"Id\":\"0123456789abcdef\",\"Name\":\"/web\",\"State\":{\"Status\":\"running\",\"Running\":true,\"Pid\":42,"
        "\"ExitCode\":-1},\"HostConfig\":{\"Memory\":5,\"Binds\":null,\"PortBindings\":null},"
        "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a\",\"Destination\":\"/b\"}],"
        "\"Config\":{\"Env\":[\"A=1\",\"B=2\"],\"Cmd\":[\"sh\",\"-c\",\"x\"],\"Labels\":{\"z.y\":\"last\",\"a\":"
        "\"first\"},"
        "\"Entrypoint\":null,\"Volumes\":null},\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\","
        "\"HostPort\":\"8080\"}],\"81/tcp\":null},\"Networks\":{\"web\":{\"IPAddress\":\"10.0.0.2\"},"
        "\"back\":{\"IPAddress\":\"10.1.0.2\"}}},"
        "\"Extra\":{\"n\":1.5,\"nul\":null,\"big\":1e21,\"l\":[1,null,\"x\"]}}";

/* What the template makes of the JSON, or the error. */
static const char *run_on(const char *json, const char *text, struct buf *out)
{
        own_template struct template *t = NULL;
        own_json struct json_object *root = NULL;
        struct error err = {};
        int r;

        buf_finish(out);
        *out = (struct buf){};
        assert_int_equal(json_parse(json, strlen(json), &root, &err), 0);
        r = template_parse(text, &t, &err);
        assert_true(r == 0 || r == -EMISUSED);
        if (r == 0)
                r = template_execute(t, root, out, &err);
        if (r < 0) {
                assert_int_equal(r, -err.code);
                assert_int_equal(out->len, 0);
                buf_add_str(out, err.text);
        }
        return buf_str(out);
}

static void check(const char *json, const char *const cases[][2], size_t n)
{
        own_buf struct buf out = {};

        for (size_t i = 0; i < n; i++)
                assert_string_equal(run_on(json, cases[i][0], &out), cases[i][1]);
}

static void test_values(void **state)
{
        static const char *const cases[][2] = {
                { "", "" },
                { "plain", "plain" },
                { "{{.ID}}", "0123" },
                { "{{ .Repository }}:{{.Tag}}", "debian:12" },
                { "a\\tb\\nc\\d", "a\tb\nc\\d" },
                { "{{.Size}} {{.Big}} {{.Ratio}} {{.On}} {{.Nothing}}", "7 18446744073709551615 1.5 true <no value>" },
                { "{{.Config.Env}}", "[A=1 B=2]" },
                { "{{.Config.Cmd}}", "[]" },
                { "{{.Config.Labels}}", "map[a:first z.y:last]" },
                { "{{json .Config.Env}}", "[\"A=1\",\"B=2\"]" },
                { "{{json .ID}}{{json 3}}{{json \"x\\\"\"}}", "\"0123\"3\"x\\\"\"" },
                { "{{upper .Repository}} {{lower \"ABC\"}}", "DEBIAN abc" },
                { "{{.Repository | upper | lower | json}}", "\"debian\"" },
                { "{{len .Config.Env}} {{len .ID}} {{len .Config}} {{.ID | len}}", "2 4 3 4" },
                { "{{index .Config.Labels \"z.y\"}}|{{index .Config.Labels `none`}}|{{index .Config.Env 1}}",
                  "last||B=2" },
                { "{{index . \"Config\" \"Env\" 0}}", "A=1" },
                { "{{join .Config.Env \",\"}}", "A=1,B=2" },
                { "{{\"}}\"}}{{`raw\\n`}}{{\"tab\\t\"}}", "}}raw\\ntab\t" },
                { "a}}b", "a}}b" },
        };
        own_buf struct buf out = {};

        check(image, cases, ARRAY_SIZE(cases));
        assert_string_equal(run_on(image, "{{json .}}", &out), image);
}

static void test_blocks(void **state)
{
        static const char *const cases[][2] = {
                { "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "10.1.0.2 10.0.0.2 " },
                { "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}{{$.Name}}", "a=first z.y=last /web" },
                { "{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{(index $c 0).HostPort}}{{break}}{{end}}",
                  "80/tcp 8080" },
                { "{{range $i, $e := .Extra.l}}{{$i}}:{{$e}} {{end}}", "0:1 1:<no value> 2:x " },
                { "{{range $e := .Config.Env}}{{$e}} {{end}}{{range $k, $v := .Config.Labels}}{{.}}{{end}}",
                  "A=1 B=2 firstlast" },
                { "{{range .HostConfig.Binds}}x{{else}}none{{end}}", "none" },
                { "{{range .Extra.l}}{{if eq . 1}}{{continue}}{{end}}y{{break}}{{end}}", "y" },
                { "{{range .Config.Env}}{{range $.Config.Env}}{{break}}{{end}}{{.}}{{end}}", "A=1B=2" },
                { "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none" },
                { "{{if and .State.Running (eq .Name \"/web\")}}yes{{else if .Id}}no{{end}}", "yes" },
                { "{{if eq 1 2}}a{{else if eq 1 3}}b{{else if .Id}}c{{else}}d{{end}}e", "ce" },
                { "{{with .State}}{{.Status}}{{else}}no{{end}}{{with $z := .Name}}{{$z}}{{end}}", "running/web" },
                { "{{with .State.Health}}a{{else}}{{.Name}}{{end}}", "/web" },
                { "{{$x := 1}}{{range $i, $e := .Config.Env}}{{$x = $i}}{{$e}}{{if $i}}{{break}}{{end}},{{end}}{{$x}}",
                  "A=1,B=21" },
                { "{{$x := .Name}}{{with $x := .Id}}{{$x}}{{end}}{{$x}}{{$x = 5}}{{$x}}", "0123456789abcdef/web5" },
                { "{{$x := 1}}{{if $x}}{{$x = 2}}{{$x := 3}}{{end}}{{$x}}", "2" },
                { "{{if $x := 0}}{{else}}{{$x}}{{end}}", "0" },
                { "{{- .Id -}}  x  {{/* c */}}|{{- /* d */ -}} y", "0123456789abcdefx  |y" },
                { "a {{- 3 -}}\n b {{- \"c\" }} d {{-3}}", "a3bc d -3" },
                { "{{/* only */}}", "" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

static void test_fields(void **state)
{
        static const char *const cases[][2] = {
                { "{{.State.Health}}", "<nil>" },
                { "{{.Config.Labels.foo}} {{.Config.Labels.foo.bar}}", "<no value> <no value>" },
                { "{{.NetworkSettings.Networks.none.IPAddress}}", "<no value>" },
                { "{{(index .NetworkSettings.Networks \"web\").IPAddress}}", "10.0.0.2" },
                { "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080" },
                { "{{index .NetworkSettings.Networks \"none\"}}|{{index .Extra \"nul\"}}", "<nil>|<no value>" },
                { "{{.HostConfig.Binds}} {{.Config.Volumes}} {{.HostConfig.PortBindings}}", "[] map[] map[]" },
                { "{{len .HostConfig.Binds}} {{len .Config.Volumes}}", "0 0" },
                { "{{.Extra.n}} {{.Extra.nul}} {{.Extra.big}} {{.Extra.l}} {{.Extra}}",
                  "1.5 <no value> 1e+21 [1 <nil> x] map[big:1e+21 l:[1 <nil> x] n:1.5 nul:<nil>]" },
                { "{{(.State).Status}} {{$.State.Pid}} {{(index .Mounts 0).Source}}", "running 42 /a" },
                { "{{.Config.Labels.a | upper}} {{.State.ExitCode}}", "FIRST -1" },
                { "{{json .Mounts}}", "[{\"Type\":\"bind\",\"Source\":\"/a\",\"Destination\":\"/b\"}]" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

static void test_functions(void **state)
{
        static const char *const cases[][2] = {
                { "{{and 1 0}} {{or 0 \"\" \"x\"}} {{not 0}} {{and .Id .Name | len}} {{1 | and 0}}", "0 x true 4 0" },
                { "{{and 0 (index .Config.Env 9)}} {{or 1 (index .Config.Env 9)}}", "0 1" },
                { "{{eq .State.Status \"running\"}} {{eq .State.Pid 1 42}} {{eq .State.Health nil}} {{eq .Mounts nil}}",
                  "true true true false" },
                { "{{eq .Config.Labels.none \"x\"}} {{ne .Name \"x\"}} {{eq true .State.Running}}", "false true true" },
                { "{{le \"a\" \"b\"}} {{gt 2 1}} {{ge 1 1}} {{ne 1 2}} {{lt 1.5 2.5}} {{lt -2 -1}} {{lt 1 -1}}",
                  "true true true true true true false" },
                { "{{lt \"a\" \"ab\"}} {{gt 18446744073709551615 -1}} {{le 2 1}} {{ge \"a\" \"b\"}}",
                  "true true false false" },
                { "{{slice .Id 0 12}} {{slice .Config.Cmd 1}} {{slice \"abcdef\" 1 3}} {{slice .Config.Env 1 2}}",
                  "0123456789ab [-c x] bc [B=2]" },
                { "{{slice (slice .Config.Cmd 1) 1}} {{slice (split \"a,b,c\" \",\") 1}} {{slice \"abc\"}}",
                  "[x] [b c] abc" },
                { "{{truncate .Id 5}}|{{truncate .Id 50}}|{{pad .Name 1 2}}|{{pad \"\" 1 1}}",
                  "01234|0123456789abcdef| /web  |" },
                { "{{title \"hello w\u00f6rld a_b-c\"}}", "Hello W\u00f6rld A_b-C" },
                { "{{split \"a,b\" \",\"}} {{split \"a\u00e9c\" \"\"}} {{len (split \"\" \",\")}} {{len (split \"\" "
                  "\"\")}}",
                  "[a b] [a \u00e9 c] 1 0" },
                { "{{join .Config.Cmd \" \"}}|{{join .Config.Entrypoint \",\"}}|{{join (split \"a,b\" \",\") \"-\"}}",
                  "sh -c x||a-b" },
                { "{{print 1 2 \"a\" \"b\" 3}}|{{println 1 \"a\"}}|{{print nil}}|{{print \"a\" 1 2 \"b\" true nil}}",
                  "1 2ab3|1 a\n|<nil>|a1 2btrue <nil>" },
                { "{{.State|json}}{{json nil}} {{json 1.0}} {{json 1e21}} {{json 1e-7}} {{json (split \"a\" \",\")}}",
                  "{\"Status\":\"running\",\"Running\":true,\"Pid\":42,\"ExitCode\":-1}null 1 1e+21 1e-7 [\"a\"]" },
                { "{{index .Name 1}} {{.Config.Env | len | printf \"%03d\"}}", "119 002" },
                { "{{1e3}} {{0x1f}} {{'a'}} {{1_000}} {{-5}} {{+5}} {{.5}} {{1.0}} {{0b11}} {{017}} {{'\u00e9'}}",
                  "1000 31 97 1000 -5 5 0.5 1 3 15 233" },
                { "{{1000000.0}} {{100000.0}} {{1e20}} {{0.0001}} {{0.00001}} {{-1.25}} {{123456.7}}",
                  "1e+06 100000 1e+20 0.0001 1e-05 -1.25 123456.7" },
                { "{{\"\\u00e9\\x41\\101\\a\"}} {{true}} {{not true}}", "\u00e9AA\a true false" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

static void test_printf(void **state)
{
        static const char *const cases[][2] = {
                { "{{printf \"%s %d %v %q %t\" .Id .State.Pid .Config.Cmd .Name .State.Running}}",
                  "0123456789abcdef 42 [sh -c x] \"/web\" true" },
                { "{{.Name | printf \"%-20s\"}}|", "/web                |" },
                { "{{printf \"%d %s %x\" \"a\" 5 \"hi\"}}|{{printf \"%d\" 1 2}}|{{printf \"%d\"}}",
                  "%!d(string=a) %!s(int=5) 6869|1%!(EXTRA int=2)|%!d(MISSING)" },
                { "{{printf \"%5.2f|%-5d|%05d|%+d\" 3.14159 1 2 3}}", " 3.14|1    |00002|+3" },
                { "{{printf \"%s|%d|%q\" .Config.Cmd .Config.Cmd .Config.Cmd}}",
                  "[sh -c x]|[%!d(string=sh) %!d(string=-c) %!d(string=x)]|[\"sh\" \"-c\" \"x\"]" },
                { "{{printf \"%d %v\" .Config.Labels .Config.Labels}}",
                  "map[%!d(string=a):%!d(string=first) %!d(string=z.y):%!d(string=last)] map[a:first z.y:last]" },
                { "{{printf \"%6.2v|%x|%X|%o|%b|%c|%U|%e|%g|%08.3f|% d|%#x|%q|%+q|%#q\" \"abc\" 255 255 8 5 65 65 1.5 "
                  "1.5 3.14159 5 255 65 \"\u00e9\" \"a\"}}",
                  "    ab|ff|FF|10|101|A|U+0041|1.500000e+00|1.5|0003.142| 5|0xff|'A'|\"\\u00e9\"|`a`" },
                { "{{printf \"%*d|%-*d|%.3s|%.*s\" 5 1 4 2 \"abcdef\" 2 \"xyz\"}}", "    1|2   |abc|xy" },
                { "{{printf \"%t %v %s %d\" true true true true}} {{printf \"%v %s\" nil nil}}",
                  "true true %!s(bool=true) %!d(bool=true) <nil> %!s(<nil>)" },
                { "{{printf \"%05s|%-5s|%5q|%x|% x|%#x|%X\" \"ab\" \"cd\" \"e\" \"hi\" \"hi\" \"hi\" \"hi\"}}",
                  "000ab|cd   |  \"e\"|6869|68 69|0x6869|6869" },
                { "{{printf \"%.3d|%+.2e|%G|%6d|%06d|%-06d|%x\" 5 12345.678 1e100 -5 -5 -5 -255}}",
                  "005|+1.23e+04|1E+100|    -5|-00005|-5    |-ff" },
                { "{{printf \"%q\" \"a\\n\\\"\\\\\\u00e9\\xff\"}}", "\"a\\n\\\"\\\\\u00e9\\xff\"" },
                { "{{printf \"%\"}}|{{printf \"%%\"}}|{{printf \"%5%|\"}}", "%!(NOVERB)|%|%|" },
                { "{{printf \"%X %d\" \"\u00e9\" 1.5}}", "C3A9 %!d(float64=1.5)" },
                { "{{printf \"%5s|\" \"\u00e9\"}}", "    \u00e9|" },
                { "{{printf \"%[2]d\" 1 2}}", "template:1:3: printf: \"%[\" is not understood" },
                { "{{printf \"%p\" 1}}", "template:1:3: printf: \"%p\" is not understood" },
                { "{{printf \"%99999d\" 1}}", "template:1:3: printf: a width above 10000" },
                { "{{printf 5}}", "template:1:3: printf: a string is needed, not a number" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

static void test_misuse(void **state)
{
        static const char *const cases[][2] = {
                { "{{.Id", "template:1:6: \"}}\" is missing" },
                { "{{.Id}", "template:1:6: \"}}\" is missing" },
                { "{{", "template:1:3: \"}}\" is missing" },
                { "{{}}", "template:1:3: a value has to stand here" },
                { "{{if}}x{{end}}", "template:1:5: if: a value has to follow" },
                { "x\n {{if .Id}}", "template:2:4: if: {{end}} is missing" },
                { "{{end}}", "template:1:3: there is no if, with or range that it belongs to" },
                { "{{else}}", "template:1:3: there is no if, with or range that it belongs to" },
                { "{{if .Id}}a{{else}}b{{else}}c{{end}}", "template:1:3: {{end}} is missing" },
                { "{{break}}", "template:1:3: there is no range around it" },
                { "{{range .Mounts}}{{else}}{{continue}}{{end}}", "template:1:28: there is no range around it" },
                { "{{with .Id}}{{else with .Name}}{{end}}", "template:1:20: unexpected \"with .Name\"" },
                { "{{$y}}", "template:1:3: undefined variable \"$y\"" },
                { "{{$y = 1}}", "template:1:3: undefined variable \"$y\"" },
                { "{{if 1}}{{$y := 1}}{{end}}{{$y}}", "template:1:29: undefined variable \"$y\"" },
                { "{{$a, $b := .Mounts}}", "template:1:7: only range has two variables" },
                { "{{.Id \"x\"}}", "template:1:3: one value has to stand here, or a function and its values" },
                { "{{.Id | .Name}}", "template:1:9: a function has to stand behind \"|\"" },
                { "{{.Id |}}", "template:1:8: a value has to stand here" },
                { "{{nil}}", "template:1:3: nil is not a command" },
                { "{{json}}", "template:1:3: wrong number of values for json" },
                { "{{.Id | json .Id}}", "template:1:9: wrong number of values for json" },
                { "{{json len}}", "template:1:8: a function as a value needs parentheses" },
                { "{{(len .Id}}", "template:1:3: \")\" is missing" },
                { "{{len .Id)}}", "template:1:10: unexpected \")}}\"" },
                { "{{\"abc}}", "template:1:3: a string does not end" },
                { "{{\"\\q\"}}", "template:1:4: unknown escape \"\\q\"" },
                { "{{\"\\x00\"}}", "template:1:4: \"\\x00\" is not a character" },
                { "{{'ab'}}", "template:1:3: one character has to stand between ' and '" },
                { "{{\"a\".b}}", "template:1:6: unexpected \".b}}\"" },
                { "{{.Id..Name}}", "template:1:6: a name has to follow at \"..Name}}\"" },
                { "{{99999999999999999999}}", "template:1:3: bad number \"99999999999999999999\"" },
                { "{{1x}}", "template:1:3: bad number \"1x\"" },
                { "{{/* c }}", "template:1:3: a comment does not end" },
                { "{{html .Id}}",
                  "template:1:3: \"html\" is not understood; the functions are and, or, not, eq, ne, "
                  "lt, le, gt, ge, index, len, slice, print, printf, println, json, join, split, lower, "
                  "upper, title, pad, truncate" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

static void test_failures(void **state)
{
        static const char *const cases[][2] = {
                { "{{.State.Foo}}", "template:1:3: no field \"Foo\"; there are Status, Running, Pid, ExitCode" },
                { "{{.Id}} {{.Id.Foo}}", "template:1:11: no field \"Foo\": a string has no fields" },
                { "{{.State.Health.Status}}", "template:1:3: no field \"Status\": null has no fields" },
                { "{{(index .NetworkSettings.Networks \"x\").IPAddress}}",
                  "template:1:3: no field \"IPAddress\": null has no fields" },
                { "{{(index (index .NetworkSettings.Ports \"x\") 0).HostPort}}",
                  "template:1:4: index: there is nothing in null" },
                { "{{len 5}}", "template:1:3: len: a number has no length" },
                { "{{index .Config.Env 2}}", "template:1:3: index: 2 is out of range" },
                { "{{index .Config.Env -1}}", "template:1:3: index: -1 is out of range" },
                { "{{index .Config.Labels 1}}", "template:1:3: index: a string is needed, not a number" },
                { "{{join .Id \",\"}}", "template:1:3: join: a list is needed, not a string" },
                { "{{slice .Id 20}}", "template:1:3: slice: 20 is out of range" },
                { "{{slice .Id 3 2}}", "template:1:3: slice: 3 is out of range" },
                { "{{upper .State.Running}}", "template:1:3: upper: a string is needed, not true or false" },
                { "{{upper .Config.Labels.foo}}", "template:1:3: upper: a string is needed, not no value" },
                { "{{range .Name}}x{{end}}", "template:1:9: range: a list or a map is needed, not a string" },
                { "{{eq .State.Pid \"42\"}}", "template:1:3: eq: a number cannot be compared with a string" },
                { "{{eq 1 1.0}}", "template:1:3: eq: a whole number cannot be compared with one that is not" },
                { "{{eq .Config.Env .Config.Env}}", "template:1:3: eq: a list cannot be compared" },
                { "{{lt true false}}", "template:1:3: lt: true or false cannot be compared" },
        };

        check(instance, cases, ARRAY_SIZE(cases));
}

/* Loops in loops, a text that doubles, and nesting. */
static void test_bounds(void **state)
{
        own_buf struct buf out = {}, deep = {}, list = {};

        buf_add_str(&list, "[0");
        for (int i = 1; i < 200; i++)
                buf_add_str(&list, ",0");
        buf_add_str(&list, "]");
        assert_string_equal(run_on(buf_str(&list),
                                   "{{range .}}{{range $}}{{range $}}{{range $}}{{end}}{{end}}{{end}}{{end}}", &out),
                            "template: it makes too much");
        assert_string_equal(run_on(buf_str(&list), "{{$x := \"abc\"}}{{range .}}{{$x = print $x $x}}{{end}}", &out),
                            "template:1:34: print: the template makes too much");
        for (int i = 0; i < 33; i++)
                buf_add_str(&deep, "{{if 1}}");
        assert_string_equal(run_on("1", buf_str(&deep), &out), "template:1:259: nested too deeply");
        deep.len = 0;
        buf_add_str(&deep, "{{");
        for (int i = 0; i < 33; i++)
                buf_add_str(&deep, "(");
        assert_string_equal(run_on("1", buf_str(&deep), &out), "template:1:35: nested too deeply");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),    cmocka_unit_test(test_blocks), cmocka_unit_test(test_fields),
                cmocka_unit_test(test_functions), cmocka_unit_test(test_printf), cmocka_unit_test(test_misuse),
                cmocka_unit_test(test_failures),  cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
