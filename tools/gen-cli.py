#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables, the help and the shell completion of a program from its man page.

    gen-cli.py PAGE.scd HEADER.h SOURCE.c BASH ZSH FISH

The page's own comment says how commands and options are written in it. What cannot be
understood ends the build: a page that only looks right would be a program that is wrong.
"""
import re
import sys
import textwrap
from dataclasses import dataclass, field

WIDTH = 88
OPTION_LINE = re.compile(r"^\*-")
OPTION_NAME = re.compile(r"\*(--?[a-z0-9][a-z0-9-]*)\*")


@dataclass
class Option:
    name: str
    short: str = ""
    value: str = ""  # as shown; "" for a switch
    repeat: bool = False
    help: str = ""

    @property
    def symbol(self):
        return "OPTION_" + self.name.upper().replace("-", "_")

    @property
    def choices(self):
        return self.value.split("|") if "|" in self.value else []


@dataclass
class Command:
    name: str
    synopsis: str = ""
    text: list = field(default_factory=list)  # paragraphs
    options: list = field(default_factory=list)

    @property
    def operands(self):
        """What follows the command's name but for [options]: a list of (name, required, repeated)."""
        found = []
        rest = self.synopsis.split("[options]")[-1] if "[options]" in self.synopsis else self.synopsis
        rest = rest.replace("holt-oci " + self.name, "", 1)
        depth = 0
        for token in re.findall(r"[\[\]]|[^\s\[\]]+", rest):
            if token == "[":
                depth += 1
            elif token == "]":
                depth -= 1
            else:
                found.append((token.removesuffix("..."), depth == 0, token.endswith("...")))
        return found

    @property
    def min_operands(self):
        return sum(required for _, required, _ in self.operands)

    @property
    def passes_arguments_on(self):
        return any(repeated for _, _, repeated in self.operands)

    @property
    def max_operands(self):
        return "UINT_MAX" if self.passes_arguments_on else str(len(self.operands))

    @property
    def summary(self):
        return self.text[0].split(". ")[0].rstrip(".")


def die(message):
    sys.exit(f"gen-cli.py: {message}")


def plain(markup):
    """The text without its markup."""
    out, i = [], 0
    while i < len(markup):
        c = markup[i]
        if c == "\\" and i + 1 < len(markup):
            i += 1
            out.append(markup[i])
        elif c == "*":
            pass
        elif c == "_" and (i == 0 or not markup[i - 1].isalnum() or i + 1 == len(markup) or not markup[i + 1].isalnum()):
            pass
        else:
            out.append(c)
        i += 1
    return "".join(out)


def parse_option(line, help_text):
    names = OPTION_NAME.findall(line)
    rest = OPTION_NAME.sub("", line).replace(",", "", len(names) - 1).strip()
    longs = [n[2:] for n in names if n.startswith("--")]
    shorts = [n[1:] for n in names if not n.startswith("--")]
    if len(longs) != 1 or len(shorts) > 1 or any(len(s) != 1 for s in shorts):
        die(f"not an option: {line}")
    if rest and not rest.startswith("_"):
        die(f"not a value: {line}")
    if not help_text:
        die(f"no text: {line}")
    repeat = rest.endswith("...")
    return Option(longs[0], "".join(shorts), plain(rest.removesuffix("...")), repeat, plain(" ".join(help_text)))


def parse_body(lines, command):
    """Paragraphs and options of one section."""
    paragraph, i = [], 0
    while i <= len(lines):
        line = lines[i] if i < len(lines) else ""
        i += 1
        if OPTION_LINE.match(line):
            text = []
            while i < len(lines) and lines[i].startswith("\t"):
                text.append(lines[i].strip())
                i += 1
            command.options.append(parse_option(line, text))
        elif line:
            paragraph.append(line)
        elif paragraph:
            command.text.append(plain(" ".join(paragraph)))
            paragraph = []


def parse_page(page):
    sections, title = {}, None
    for line in page.splitlines():
        if line.startswith(";"):
            continue
        if line.startswith("# "):
            title = line[2:].strip()
            sections[title] = []
        elif title:
            sections[title].append(line)

    program = Command("", plain(" ".join(filter(None, sections["SYNOPSIS"]))))
    parse_body(sections["DESCRIPTION"], program)
    about = plain(" ".join(filter(None, sections["NAME"]))).split(" - ")[1]
    parse_body(sections["GLOBAL OPTIONS"], program)

    commands = []
    for block in "\n".join(sections["COMMANDS"]).split("\n## ")[1:]:
        name, _, body = block.partition("\n")
        command = Command(name.strip())
        parse_body(body.splitlines(), command)
        command.synopsis = command.text.pop(0)
        if not command.synopsis.startswith("holt-oci " + command.name) or not command.text:
            die(f"{command.name}: no synopsis or no text")
        if ("[options]" in command.synopsis) != bool(command.options):
            die(f"{command.name}: the synopsis does not agree with the options")
        command.options.append(Option("help", "h", "", False, "Show this help."))
        commands.append(command)
    return program, about, commands


def wrap(text, indent, first=None):
    return textwrap.fill(text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent,
                         break_on_hyphens=False)


def option_help(options):
    lines = []
    for o in options:
        left = ("-%s, " % o.short if o.short else "    ") + "--" + o.name + (" " + o.value if o.value else "")
        text = o.help + (" May be repeated." if o.repeat else "")
        if len(left) > 30:
            lines += ["  " + left, wrap(text, " " * 34)]
        else:
            lines.append(wrap(text, " " * 34, "  " + left.ljust(32)))
    return "\n".join(lines)


def command_help(command):
    parts = ["Usage: " + command.synopsis]
    parts += [wrap(p, "") for p in command.text]
    parts.append("Options:\n" + option_help(command.options))
    return "\n\n".join(parts) + "\n"


def program_help(program, about, commands):
    width = max(len(c.name) for c in commands) + 2
    listing = "\n".join(wrap(c.summary + ".", " " * (width + 2), "  " + c.name.ljust(width)) for c in commands)
    return "\n\n".join([
        "holt-oci - " + about,
        "Usage: " + program.synopsis,
        "Commands:\n" + listing,
        "Global options:\n" + option_help(program.options),
        'See "holt-oci COMMAND --help" for the options of a command.',
    ]) + "\n"


def c_string(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join('        "%s"' % line for line in quoted.replace("\n", "\\n\n").splitlines())


def c_table(command, help_text):
    ident = (command.name or "global").replace("-", "_")
    rows = []
    for o in command.options:
        kind = "CLI_LIST" if o.repeat else "CLI_VALUE" if o.value else "CLI_SWITCH"
        short = "'%s'" % o.short if o.short else "0"
        rows.append('        { "%s", %s, %s, %s },' % (o.name, short, kind, o.symbol))
    table = "static const struct cli_option %s_options[] = {\n%s\n};\n" % (ident, "\n".join(rows))
    # Not the program itself: what follows its options is the command and its arguments.
    low, high, last = (0, "UINT_MAX", True) if not command.name else (
        command.min_operands, command.max_operands, command.passes_arguments_on)
    entry = '{\n        .name = "%s",\n        .options = %s_options,\n        .n_options = %d,\n' % (
        command.name or "holt-oci", ident, len(command.options))
    entry += "        .min_operands = %d,\n        .max_operands = %s,\n        .options_end_at_operand = %s,\n" % (
        low, high, "true" if last else "false")
    entry += "        .help =\n%s,\n}" % c_string(help_text)
    return table, entry


def write_source(program, about, commands):
    tables, entries = [], []
    for command in commands:
        table, entry = c_table(command, command_help(command))
        tables.append(table)
        entries.append(entry)
    table, entry = c_table(program, program_help(program, about, commands))
    tables.append(table)
    return "\n".join([
        "/* Made by tools/gen-cli.py from the man page. */",
        '#include "programs/oci/args.h"\n',
        "#include <limits.h>",
        "#include <stddef.h>\n",
        *tables,
        "const struct cli_command cli_program = %s;\n" % entry,
        "const struct cli_command cli_commands[] = {\n%s,\n{ .name = NULL },\n};" % ",\n".join(entries),
        "",
    ])


def write_header(program, commands):
    symbols = sorted({o.symbol for c in [program, *commands] for o in c.options})
    body = "\n".join("        %s," % s for s in symbols)
    return ("/* Made by tools/gen-cli.py from the man page. */\n#pragma once\n\n"
            "enum cli_option_id {\n%s\n};\n" % body)


def wants_container(command):
    """Whether its operand is a container that exists."""
    new = ("create", "run", "restore")
    return command.name not in new and any(name == "container-id" for name, _, _ in command.operands)


def shell_value(option):
    """What may stand for a value: ("words", [...]), ("dir", None), ("file", None) or (None, None)."""
    if option.choices:
        return "words", option.choices
    if option.value == "DIR" and option.name != "cwd":
        return "dir", None
    if option.value in ("FILE", "SOCKET"):
        return "file", None
    return None, None


def write_bash(program, commands):
    def words(options):
        return " ".join(w for o in options for w in (["-" + o.short] if o.short else []) + ["--" + o.name])

    def valued(options):
        return "|".join(w for o in options if o.value for w in (["-" + o.short] if o.short else []) + ["--" + o.name])

    cases, values = [], []
    for c in commands:
        cases.append("                %s) words=%s ;;" % (c.name, '"%s"' % words(c.options)))
    for c in [program, *commands]:
        for o in c.options:
            kind, choices = shell_value(o)
            action = {"words": 'COMPREPLY=($(compgen -W "%s" -- "$cur"))' % " ".join(choices or []),
                      "dir": 'COMPREPLY=($(compgen -d -- "$cur"))',
                      "file": 'COMPREPLY=($(compgen -f -- "$cur"))',
                      None: "COMPREPLY=()"}[kind]
            if o.value:
                names = "|".join("%s:%s" % (c.name, w) for w in (["-" + o.short] if o.short else []) + ["--" + o.name])
                values.append("                %s) %s; return ;;" % (names, action))
    with_id = "|".join(c.name for c in commands if wants_container(c))
    return f"""# bash completion for holt-oci; made by tools/gen-cli.py from the man page.
_holt_oci()
{{
        local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
        local command= root= words= i operands=0

        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${{COMP_WORDS[i]}} in
                --root) root=${{COMP_WORDS[i + 1]}} && ((i++)) ;;
                {valued([o for o in program.options if o.name != "root"])}) [[ $command ]] || ((i++)) ;;
                -*) ;;
                *) if [[ $command ]]; then ((operands++)); else command=${{COMP_WORDS[i]}}; fi ;;
                esac
        done
        case $command:$prev in
{chr(10).join(values)}
        esac
        if [[ $cur == -* ]]; then
                case $command in
                "") words="{words(program.options)}" ;;
{chr(10).join(cases)}
                esac
        elif [[ ! $command ]]; then
                words="{" ".join(c.name for c in commands)}"
        else
                case $command in
                help) words="{" ".join(c.name for c in commands)}" ;;
                kill) ((operands)) && words=$(compgen -A signal) ;;&
                {with_id}) [[ $words ]] || words=$(holt-oci ${{root:+--root "$root"}} list -q 2>/dev/null) ;;
                esac
        fi
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -F _holt_oci holt-oci
"""


def zsh_quote(text):
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def write_zsh(program, commands):
    def spec(o):
        kind, choices = shell_value(o)
        action = {"words": "(%s)" % " ".join(choices or []), "dir": "_files -/", "file": "_files", None: ""}[kind]
        names = ["--" + o.name] + (["-" + o.short] if o.short else [])
        value = ":%s:%s" % (zsh_quote(o.value.lower()), action) if o.value else ""
        star = "*" if o.repeat else ""
        return ["'%s%s[%s]%s'" % (star, n, zsh_quote(o.help.split(". ")[0].rstrip(".")), value) for n in names]

    def args(options, indent):
        return " \\\n".join(indent + s for o in options for s in spec(o))

    described = "\n".join("                '%s:%s'" % (c.name, zsh_quote(c.summary)) for c in commands)
    cases = []
    for c in commands:
        operands = ""
        for name, _, repeated in c.operands:
            action = {"container-id": "_holt_oci_containers" if wants_container(c) else " ", "signal": "_signals", "command": " "}.get(name, " ")
            operands += " \\\n                        '%s:%s:%s'" % ("*" if repeated else "", name, action)
        cases.append("                %s)\n                        _arguments \\\n%s%s\n                        ;;" % (
            c.name, args(c.options, " " * 24), operands))
    return f"""#compdef holt-oci
# zsh completion for holt-oci; made by tools/gen-cli.py from the man page.
_holt_oci_containers()
{{
        local -a ids
        ids=(${{(f)"$(holt-oci ${{opt_args[--root]:+--root}} ${{opt_args[--root]}} list -q 2>/dev/null)"}})
        _describe container ids
}}

_holt_oci()
{{
        local context state line
        local -a commands
        typeset -A opt_args

        _arguments -C \\
{args(program.options, " " * 16)} \\
                '1:command:->command' \\
                '*::argument:->argument'
        case $state in
        command)
                commands=(
{described}
                )
                _describe command commands
                ;;
        argument)
                case $line[1] in
{chr(10).join(cases)}
                esac
                ;;
        esac
}}

_holt_oci "$@"
"""


def write_fish(program, commands):
    def quote(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def line(condition, o):
        kind, choices = shell_value(o)
        parts = ["complete -c holt-oci", "-n", quote(condition), "-l", o.name]
        parts += ["-s", o.short] if o.short else []
        if kind == "words":
            parts += ["-x", "-a", quote(" ".join(choices))]
        elif kind == "dir":
            parts += ["-x", "-a", quote("(__fish_complete_directories)")]
        elif kind == "file":
            parts += ["-r", "-F"]
        elif o.value:
            parts += ["-x"]
        return " ".join(parts + ["-d", quote(o.help.split(". ")[0].rstrip("."))])

    names = " ".join(c.name for c in commands)
    lines = ["# fish completion for holt-oci; made by tools/gen-cli.py from the man page.",
             "complete -c holt-oci -f"]
    before = "not __fish_seen_subcommand_from " + names
    lines += [line(before, o) for o in program.options]
    for c in commands:
        lines.append("complete -c holt-oci -n %s -a %s -d %s" % (quote(before), c.name, quote(c.summary)))
    for c in commands:
        condition = "__fish_seen_subcommand_from " + c.name
        lines += [line(condition, o) for o in c.options]
        if wants_container(c):
            lines.append("complete -c holt-oci -n %s -a %s" % (quote(condition), quote("(holt-oci list -q 2>/dev/null)")))
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 7:
        die("wants PAGE HEADER SOURCE BASH ZSH FISH")
    with open(sys.argv[1], encoding="utf-8") as page:
        program, about, commands = parse_page(page.read())
    outputs = [write_header(program, commands), write_source(program, about, commands),
               write_bash(program, commands), write_zsh(program, commands), write_fish(program, commands)]
    for path, text in zip(sys.argv[2:], outputs):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
