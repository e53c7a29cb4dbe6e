#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the tables, the help and the shell completion of a program from its man pages.

    gen-cli.py HABITS PREFIX HEADER.h SOURCE.c BASH ZSH FISH PAGE.scd...

HABITS: runc or docker (src/cli/args.h). PREFIX: for the names in C. The first page is the
program's own; it has the global options. A page without a section COMMANDS is one command:
its text is DESCRIPTION, its options are OPTIONS. In COMMANDS a command is a "##" heading.
Of several lines of a synopsis the first has the command's name and the others its aliases.
In COMMANDS of the program's own page a line such as "Images:" begins a group of the pages that
the list below it names; the help lists commands so. EXAMPLES, one literal block, ends a help.
An option is a line of bold names and an underlined value ("..." behind it: may be repeated),
with its text in the indented lines below. The first sentence is the summary.

A line "; include: FILE" stands for what pages share (man_page.py).

What cannot be understood ends the build: a page that only looks right would be a program
that is wrong.
"""
import re
import sys
import textwrap
from dataclasses import dataclass, field

from man_page import read_page

WIDTH = 80
OPTION_LINE = re.compile(r"^\*-")
OPTION_NAME = re.compile(r"\*(--?[A-Za-z0-9][a-z0-9-]*)\*")


@dataclass
class Option:
    name: str
    short: str = ""
    value: str = ""  # as shown; "" for a switch
    repeat: bool = False
    help: str = ""
    others: tuple = ()  # long names that do the same, and are not offered

    @property
    def symbol(self):
        return "OPTION_" + self.name.upper().replace("-", "_")

    @property
    def choices(self):
        """The words that may stand for the value; capitals are a name for others."""
        return [w for w in self.value.split("|") if not re.search("[A-Z]", w)] if "|" in self.value else []

    @property
    def live(self):
        """The kinds of what exists and may stand for the value."""
        words = {re.sub(r"[\[:].*", "", w) or w for w in self.value.split("|")}
        return [kind for kind, found in (("network", "NETWORK" in words), ("instance", "INSTANCE" in words),
                                         ("joined", "container:NAME" in self.value), ("template", self.value == "TEMPLATE" and self.name == "template"), ("bind", self.name == "volume" and self.value))
                if found]

    @property
    def spellings(self):
        return (["-" + self.short] if self.short else []) + ["--" + self.name]


HELP = Option("help", "h", "", False, "Show this help.")


@dataclass
class Command:
    names: list  # without the program's: "images", "image ls"
    synopses: list = field(default_factory=list)
    text: list = field(default_factory=list)  # paragraphs
    options: list = field(default_factory=list)
    examples: list = field(default_factory=list)  # lines
    operands: list = field(default_factory=list)  # (name, required, repeated)
    joined: bool = False
    is_group: bool = False

    @property
    def name(self):
        return self.names[0] if self.names else ""

    @property
    def ident(self):
        return re.sub("[ -]", "_", self.name or "global")

    @property
    def min_operands(self):
        return sum(required for _, required, _ in self.operands)

    @property
    def repeats(self):
        return any(repeated for _, _, repeated in self.operands)

    @property
    def passes_arguments_on(self):
        """runc's callers know no other repeated operands than those of a program."""
        return any(repeated and (name == "argument" or not self.joined) for name, _, repeated in self.operands)

    @property
    def max_operands(self):
        return "UINT_MAX" if self.repeats else str(len(self.operands))

    @property
    def summary(self):
        return self.text[0].split(". ")[0].rstrip(".")


@dataclass
class Program:
    name: str
    prefix: str
    about: str
    itself: Command
    commands: list  # without groups
    groups: list
    headings: list  # (title, names) of the help

    @property
    def function(self):
        return "_" + self.name.replace("-", "_")

    @property
    def all(self):
        return sorted([*self.commands, *self.groups], key=lambda c: c.name) if self.groups else self.commands

    def listed(self, group=None):
        """(name, command) of what a help lists: of the program itself, or of a group."""
        if group is None:
            found = [(c.name, c) for c in self.all if " " not in c.name]
        else:
            found = [(n.split(" ", 1)[1], c) for c in self.commands for n in c.names if n.startswith(group + " ")]
        return sorted(found, key=lambda f: f[0]) if self.groups else found


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
    if not longs or len(shorts) > 1 or any(len(s) != 1 for s in shorts):
        die(f"not an option: {line}")
    if rest and not rest.startswith("_"):
        die(f"not a value: {line}")
    if not help_text:
        die(f"no text: {line}")
    repeat = rest.endswith("...")
    return Option(longs[0], "".join(shorts), plain(rest.removesuffix("...")), repeat, plain(" ".join(help_text)),
                  tuple(longs[1:]))


def parse_body(lines, command):
    """Paragraphs and options of one section. Examples, lists and headings are for the page alone."""
    paragraph, i, literal = [], 0, False
    while i <= len(lines):
        line = lines[i] if i < len(lines) else ""
        i += 1
        if line.startswith("```"):
            literal = not literal
        elif literal or line.startswith(("\t", "- ", "|", "[", ":", "]", "## ")):
            pass
        elif OPTION_LINE.match(line):
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


def parse_operands(synopsis):
    found, depth = [], 0
    for token in re.findall(r"[\[\]]|[^\s\[\]]+", synopsis):
        if token == "[":
            depth += 1
        elif token == "]":
            depth -= 1
        else:
            found.append((token.removesuffix("..."), depth == 0, token.endswith("...")))
    return found


def parse_synopsis(program, markup, command):
    """Names and operands from the lines of a synopsis."""
    for line in markup.replace("++\n", "\0").replace("\n", " ").split("\0"):
        match = re.match(r"\*%s ([a-z][a-z -]*)\*" % re.escape(program), line.strip())
        if not match:
            die(f"not a synopsis: {line}")
        command.names.append(match[1])
        command.synopses.append(plain(line.strip()))
        if len(command.names) == 1:
            command.operands = parse_operands(plain(line.strip()[match.end():]).replace("[options]", "", 1))
    if not command.text:
        die(f"{command.name}: no text")
    if ("[options]" in command.synopses[0]) != bool(command.options):
        die(f"{command.name}: the synopsis does not agree with the options")
    # Docker's run has another use for the letter.
    taken = any(o.short == HELP.short for o in command.options)
    command.options.append(Option(HELP.name, "", "", False, HELP.help) if taken else HELP)


def split_sections(page):
    sections, title = {}, None
    for line in page.splitlines():
        if line.startswith(";"):
            continue
        if line.startswith("# "):
            title = line[2:].strip()
            sections[title] = []
        elif title:
            sections[title].append(line)
    return sections


def parse_examples(lines):
    """The lines of the first literal block."""
    found, literal = [], False
    for line in lines:
        if line.startswith("```"):
            if literal:
                break
            literal = True
        elif literal:
            if len(line) > WIDTH - 2:
                die(f"too long an example: {line}")
            found.append(line)
    return found


def parse_headings(name, lines):
    """(title, names of commands) of the lists of the program's own page."""
    headings = []
    for line in lines:
        if line.startswith("## "):
            break
        if re.match(r"[A-Z][a-z ]*:$", line):
            headings.append((line[:-1], []))
        page = re.match(r"\*%s-([a-z]+)\*\(" % re.escape(name), line)
        if page and headings:
            headings[-1][1].append(page[1])
    return headings


def parse_commands(program, lines):
    for block in "\n".join(lines).split("\n## ")[1:]:
        name, _, body = block.partition("\n")
        synopsis, _, rest = body.lstrip("\n").partition("\n\n")
        command = Command([])
        parse_body(rest.splitlines(), command)
        parse_synopsis(program, synopsis, command)
        if command.name.split()[-1] != name.strip():
            die(f"{name}: the synopsis is that of {command.name}")
        yield command


def parse_page(program, page):
    """The commands and the group, if it is one's page, of a page that is not the program's own."""
    sections = split_sections(page)
    synopsis = "\n".join(filter(None, sections["SYNOPSIS"]))
    command = Command([])
    parse_body(sections["DESCRIPTION"], command)
    parse_body(sections.get("OPTIONS", []), command)
    command.examples = parse_examples(sections.get("EXAMPLES", []))
    parse_synopsis(program, synopsis, command)
    if "COMMANDS" not in sections:
        return [command], []
    command.is_group = True
    return list(parse_commands(program, sections["COMMANDS"])), [command]


def parse_program(prefix, pages):
    sections = split_sections(pages[0])
    name, about = plain(" ".join(filter(None, sections["NAME"]))).split(" - ")
    itself = Command([], [plain(" ".join(filter(None, sections["SYNOPSIS"])))])
    parse_body(sections["DESCRIPTION"], itself)
    parse_body(sections["GLOBAL OPTIONS"], itself)
    commands, groups = list(parse_commands(name, sections["COMMANDS"])), []
    for page in pages[1:]:
        more, group = parse_page(name, page)
        commands += more
        groups += group
        for command in more + group:
            short = command.name.replace(" ", "-")
            if not any(f"*{name}-{s}*(" in pages[0] for s in (short, short.split("-")[0])):
                die(f"{command.name}: {name}'s own page does not name its page")
    for names in [n for c in commands for n in c.names]:
        if " " in names and names.split()[0] not in [g.name for g in groups]:
            die(f"{names}: no such group")
    headings = parse_headings(name, sections["COMMANDS"])
    return Program(name, prefix, about, itself, commands, groups, headings)


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


def listing(found, width=0):
    width = width or max(len(name) for name, _ in found) + 2
    return "\n".join(wrap(c.summary + ".", " " * (width + 2), "  " + name.ljust(width)) for name, c in found)


def command_help(program, command):
    parts = ["Usage: " + command.synopses[0]]
    if len(command.synopses) > 1:
        parts[0] += "\n" + "\n".join("   or: " + s for s in command.synopses[1:])
    parts += [wrap(p, "") for p in command.text]
    if command.is_group:
        parts.append("Commands:\n" + listing(program.listed(command.name)))
    parts.append("Options:\n" + option_help(command.options))
    if command.examples:
        parts.append("Examples:\n" + "\n".join("  " + line for line in command.examples))
    if command.is_group:
        parts.append('See "%s %s COMMAND --help" for the options of a command.' % (program.name, command.name))
    return "\n\n".join(parts) + "\n"


def program_listing(program):
    """The commands under the headings of the program's page; what has none of them comes last."""
    if not program.headings:
        return ["Commands:\n" + listing(program.listed())]
    left = dict(program.listed())
    width = max(len(name) for name in left) + 2
    parts = []
    for title, names in program.headings:
        parts.append(title + ":\n" + listing([(name, left.pop(name)) for name in names], width))
    return [*parts, "Others:\n" + listing(sorted(left.items()), width)]


def program_help(program):
    return "\n\n".join([
        program.name + " - " + program.about,
        "Usage: " + program.itself.synopses[0],
        *program_listing(program),
        "Global options:\n" + option_help(program.itself.options),
        'See "%s COMMAND --help" for the options of a command.' % program.name,
    ]) + "\n"


def c_string(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join('        "%s"' % line for line in quoted.replace("\n", "\\n\n").splitlines())


def c_bool(value):
    return "true" if value else "false"


def c_options(command):
    rows = []
    for o in command.options:
        kind = "CLI_LIST" if o.repeat else "CLI_VALUE" if o.value else "CLI_SWITCH"
        short = "'%s'" % o.short if o.short else "0"
        rows.append('        { "%s", %s, %s, %s },' % (o.name, short, kind, o.symbol))
        rows += ['        { "%s", 0, %s, %s },' % (other, kind, o.symbol) for other in o.others]
    return "static const struct cli_option %s_options[] = {\n%s\n};\n" % (command.ident, "\n".join(rows))


def c_entry(program, command, name):
    # Of the program and of groups: what follows their options is a command and its arguments.
    opens = command.is_group or not command.name
    members = [
        ("name", '"%s"' % (name or program.name)),
        ("alias", '"%s"' % (command.name or program.name)),
        ("options", command.ident + "_options"),
        ("n_options", sum(1 + len(o.others) for o in command.options)),
        ("min_operands", 0 if opens else command.min_operands),
        ("max_operands", "UINT_MAX" if opens else command.max_operands),
        ("options_end_at_operand", c_bool(opens or command.passes_arguments_on)),
        ("drops_dashes", c_bool(not opens and command.passes_arguments_on and not command.joined)),
        ("joined", c_bool(command.joined)),
        ("is_group", c_bool(command.is_group)),
        ("help", command.ident + "_help"),
    ]
    return "{\n%s\n}" % "\n".join("        .%s = %s," % m for m in members)


def write_source(program):
    tables, entries = [], []
    for command in [*program.all, program.itself]:
        text = command_help(program, command) if command.name else program_help(program)
        tables.append(c_options(command))
        tables.append("static const char %s_help[] =\n%s;\n" % (command.ident, c_string(text)))
    for command in program.all:
        entries += [c_entry(program, command, name) for name in command.names]
    return "\n".join([
        "/* Made by tools/gen-cli.py from the man pages. */",
        '#include "%s_options.h"\n' % program.prefix,
        "#include <limits.h>",
        "#include <stddef.h>\n",
        *tables,
        "static const struct cli_command global = %s;\n" % c_entry(program, program.itself, ""),
        "static const struct cli_command commands[] = {\n%s,\n{ .name = NULL },\n};\n" % ",\n".join(entries),
        "const struct cli_program %s_program = { .global = &global, .commands = commands };" % program.prefix,
        "",
    ])


def write_header(program):
    symbols = sorted({o.symbol for c in [program.itself, *program.all] for o in c.options} - {HELP.symbol})
    body = "\n".join("        %s%s," % (s, "" if i else " = OPTION_HELP + 1") for i, s in enumerate(symbols))
    return ("/* Made by tools/gen-cli.py from the man pages. */\n#pragma once\n\n#include \"cli/args.h\"\n\n"
            "enum %s_option_id {\n%s\n};\n\nextern const struct cli_program %s_program;\n"
            % (program.prefix, body, program.prefix))


# What exists: the arguments of the program that list it; the shells put the places before them. OWNER is the operand
# before, whose own they are.
LISTERS = {
    "container": "list -q",
    "instance": "ps -a --format '{{.Names}}'",
    "image": r"images --filter dangling=false --format '{{.Repository}}:{{.Tag}}\n{{.ID}}'",
    "network": "network ls --format '{{.Name}}'",
    "volume": "volume ls --format '{{.Name}}'",
    "template": "template ls --format '{{.Name}}'",
    "snapshot": "snapshot ls --format '{{.Name}}' OWNER",
    "joined": "ps --format 'container:{{.Names}}'",
    "bind": "volume ls --format '{{.Name}}:'",
}


def operand_kinds(command):
    """What may stand for each operand, the last of which may be repeated: lists of kinds."""
    new = {"container-id": ("create", "run", "restore"), "network": ("network create",)}
    found = []
    for name, _, _ in command.operands:
        kind = {"container-id": "container", "source-image": "image"}.get(name, name)
        if command.name in new.get(name, ()):
            found.append([])
        elif kind in LISTERS or kind in ("file", "signal"):
            found.append([kind])
        elif command.name == "inspect":
            found.append(["instance", "image"])
        elif command.name == "cp":
            found.append(["file", "instance"])
        else:
            found.append([])
    return found


def live_kinds(program):
    """All kinds that anything of the program needs, in the order of the listers."""
    needed = {k for c in program.commands for kinds in operand_kinds(c) for k in kinds}
    needed |= {k for c in program.commands for o in c.options for k in o.live}
    return [k for k in LISTERS if k in needed]


def shell_value(option):
    """What may stand for a value: ("words", [...]), ("dir", None), ("file", None) or (None, None)."""
    if option.choices:
        return "words", option.choices
    if option.value == "DIR" and option.name != "cwd":
        return "dir", None
    if option.value in ("FILE", "SOCKET"):
        return "file", None
    return None, None


def places(program):
    """The global options that say where things are: the lister needs them, too."""
    return [o for o in program.itself.options if o.name in ("root", "run") and o.value]


BASH_COLONS = """\
        # Where a colon ends a word for readline, what was typed before it is not part of the answer.
        if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
                COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
        fi
"""


def bash_operands(program):
    """Cases of "COMMAND:NUMBER", the number being of the operands before."""
    by_kinds = {}
    for c in program.commands:
        for i, kinds in enumerate(operand_kinds(c)):
            number = "*" if c.operands[i][2] else str(i)
            patterns = [re.sub(" ", r"\\ ", n) + ":" + number for n in c.names]
            by_kinds.setdefault((number == "*", tuple(kinds)), []).extend(patterns if kinds else [])
    lines = []
    # A number goes before "any".
    for (_, kinds), patterns in sorted(by_kinds.items()):
        live = " ".join(k for k in kinds if k != "file")
        actions = ["files=-f"] if "file" in kinds else []
        actions += ["words=$(%s_names %s)" % (program.function, live)] if live else []
        if patterns:
            lines.append("                %s) %s ;;" % ("|".join(patterns), " ".join(actions)))
    return lines


def write_bash(program):
    def words(options):
        return " ".join(w for o in options for w in o.spellings)

    def patterns(command, options):
        return [re.sub(" ", r"\\ ", n) + ":" + w for n in command.names or [""] for o in options for w in o.spellings]

    def case(pattern, action):
        return "                %s) %s ;;" % (pattern, action)

    values, skipped = [], []
    for c in [program.itself, *program.all]:
        for o in c.options:
            kind, choices = shell_value(o)
            offered = " ".join((choices or []) + ["$(%s_names %s)" % (program.function, k) for k in o.live])
            kind = "words" if o.live else kind
            action = {"words": 'COMPREPLY=($(compgen %s-W "%s" -- "$cur"))' % ("-d " if "bind" in o.live else "", offered),
                      "dir": 'COMPREPLY=($(compgen -d -- "$cur"))',
                      "file": 'COMPREPLY=($(compgen -f -- "$cur"))',
                      None: "COMPREPLY=()"}[kind]
            if o.value:
                ending = "; %s_colons" % program.function if o.live else ""
                values.append(case("|".join(patterns(c, [o])), action + ending + "; return"))
                skipped += patterns(c, [o])
    cases = [case("|".join(re.sub(" ", r"\\ ", n) for n in c.names), 'words="%s"' % words(c.options)) for c in program.all]
    top = " ".join(name for c in program.all for name in c.names if " " not in name)
    operands = [case("help:*", 'words="%s"' % top)]
    operands += [case(g.name + ":*", 'words="%s"' % " ".join(name for name, _ in program.listed(g.name))) for g in program.groups]
    operands += bash_operands(program)
    group = "|".join(g.name for g in program.groups)
    found = """\
        for word in "${typed[@]:1:${#typed[@]}-2}"; do
                if [[ $skip ]]; then
                        [[ $skip == place ]] && declare "$place=$word"
                        skip=
                        continue
                fi
                case $command:$word in
                %s) skip=place place=${word#--} ;;
                %s) skip=value ;;
                *:-*) ;;
                :*%s) command=${command:+$command }$word ;;
                *) operands+=("$word") ;;
                esac
        done""" % ("|".join(":--" + o.name for o in places(program)),
                   "|".join(s for s in skipped if s not in [":--" + o.name for o in places(program)]),
                   "".join("|%s:*" % g for g in group.split("|") if g))
    where = "".join(' ${%s:+--%s "$%s"}' % (o.name, o.name, o.name) for o in places(program))
    listers = [case(kind, "%s%s %s 2>/dev/null" % (program.name, where, LISTERS[kind].replace("OWNER", '-- "${operands[0]-}"')))
               for kind in live_kinds(program)]
    return f"""# bash completion for {program.name}; made by tools/gen-cli.py from the man pages.
# What exists, by its kind; the variables are those of the function that completes.
{program.function}_names()
{{
        local kind
        for kind; do
                case $kind in
{chr(10).join(listers)}
                signal) compgen -A signal ;;
                esac
        done
}}

{program.function}_colons()
{{
{BASH_COLONS if program.groups else "        :" + chr(10)}}}

{program.function}()
{{
        local typed=() word cur prev skip= place= command= {"= ".join(o.name for o in places(program))}= words= files= i operands=()

        # Readline also ends words at ":" and "=": put names together again, and take "--option=value" for two words.
        for ((i = 0; i <= COMP_CWORD; i++)); do
                if [[ ${{COMP_WORDS[i]}} == ":"* || (${{COMP_WORDS[i - 1]-}} == *":" && $i -gt 0) ]]; then
                        typed[${{#typed[@]}} - 1]+=${{COMP_WORDS[i]}}
                elif [[ ${{COMP_WORDS[i]}} != "=" ]]; then
                        typed+=("${{COMP_WORDS[i]}}")
                elif ((i == COMP_CWORD)); then
                        typed+=("")
                fi
        done
        cur=${{typed[${{#typed[@]}} - 1]}} prev=${{typed[${{#typed[@]}} - 2]}}
{found}
        case $command:$prev in
{chr(10).join(values)}
        esac
        if [[ $cur == -* ]]; then
                case $command in
                "") words="{words(program.itself.options)}" ;;
{chr(10).join(cases)}
                esac
        elif [[ ! $command ]]; then
                words="{top}"
        else
                case $command:${{#operands[@]}} in
{chr(10).join(operands)}
                esac
        fi
        COMPREPLY=($(compgen $files -W "$words" -- "$cur"))
        {program.function}_colons
}}
complete -F {program.function} {program.name}
"""


def zsh_quote(text):
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh_arguments(program, command, indent):
    def spec(o):
        kind, choices = shell_value(o)
        action = {"words": "(%s)" % " ".join(choices or []), "dir": "_files -/", "file": "_files", None: ""}[kind]
        if o.live:
            action = " ".join([" %s_names" % program.function, *o.live, *["word=" + w for w in choices or []]])
        # A "=" behind the name: the value may stand there or in the next word.
        names = ["--" + o.name + ("=" if o.value else "")] + (["-" + o.short] if o.short else [])
        value = ":%s:%s" % (zsh_quote(o.value.lower()), action) if o.value else ""
        star = "*" if o.repeat else ""
        return ["'%s%s[%s]%s'" % (star, n, zsh_quote(o.help.split(". ")[0].rstrip(".")), value) for n in names]

    specs = [s for o in command.options for s in spec(o)]
    kinds = operand_kinds(command)
    for i, (name, _, repeated) in enumerate(command.operands if command.name and not command.is_group else []):
        action = " ".join([" " + program.function + "_names", *kinds[i]]) if kinds[i] else " "
        action = {"_signals": "_signals", "_files": "_files"}.get("_" + "".join(kinds[i]) + "s", action)
        if command.name == "help":
            action = "(%s)" % " ".join(n for n, _ in program.listed())
        specs.append("'%s:%s:%s'" % ("*" if repeated else "", name, action))
    return " \\\n".join(indent + s for s in specs)


def zsh_listers(program):
    lines = ["        %s) ids+=(${(f)\"$(%s $places %s 2>/dev/null)\"}) ;;" % (
        kind, program.name, LISTERS[kind].replace("OWNER", "-- $before[1]"))
             for kind in live_kinds(program)]
    return f"""# What exists, by its kind, and words.
{program.function}_names()
{{
        local -a ids before
        local kind
        before=(${{words[2,CURRENT-1]:#-*}})
        for kind; do
                case $kind in
{chr(10).join("        " + line for line in lines)}
                word=*) ids+=(${{kind#word=}}) ;;
                file) _files ;;
                esac
        done
        [[ $* != *bind* ]] || _files -/
        compadd -a ids
}}
"""


def zsh_places(program, indent):
    """Keeps the options that say where everything is: the arguments of a command take their place in opt_args."""
    words = ["${opt_args[--%s]:+--%s} ${opt_args[--%s]}" % (o.name, o.name, o.name) for o in places(program)]
    return f"{indent}places=({' '.join(words)})"


def zsh_level(program, itself, found, indent):
    """A choice of commands and then their arguments: of the program, and of each group."""
    inner = indent + " " * 16
    lines = [f"{indent}_arguments -C \\", zsh_arguments(program, itself, indent + " " * 8) + " \\",
             f"{indent}        '1:command:->command' \\", f"{indent}        '*::argument:->argument'",
             *([] if itself.name else [zsh_places(program, indent)]),
             f"{indent}case $state in", f"{indent}command)", f"{indent}        commands=("]
    lines += [f"{inner}'%s:%s'" % (name, zsh_quote(c.summary)) for name, c in found]
    lines += [f"{indent}        )", f"{indent}        _describe command commands", f"{indent}        ;;",
              f"{indent}argument)", f"{indent}        case $line[1] in"]
    for name, c in found:
        lines.append(f"{indent}        {name})")
        if c.is_group:
            lines.append(zsh_level(program, c, program.listed(c.name), inner))
        else:
            lines += [f"{inner}_arguments \\", zsh_arguments(program, c, inner + " " * 8)]
        lines.append(f"{inner};;")
    return "\n".join(lines + [f"{indent}        esac", f"{indent}        ;;", f"{indent}esac"])


def write_zsh(program):
    return f"""#compdef {program.name}
# zsh completion for {program.name}; made by tools/gen-cli.py from the man pages.
{zsh_listers(program)}
{program.function}()
{{
        local context state line
        local -a commands places
        typeset -A opt_args

{zsh_level(program, program.itself, program.listed(), " " * 8)}
}}

{program.function} "$@"
"""


def fish_counter(program):
    """A function that prints the operands before the cursor: those behind the first N words, which name the command.
    Options that are given to it have a value in the next word."""
    return f"""function __{program.name.replace("-", "_")}_operands
    set -l skip 0
    set -l found
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
        else if contains -- $word $argv[2..-1]
            set skip 1
        else if not string match -q -- '-*' $word
            set -a found $word
        end
    end
    set -q found[1]; and set -e found[1..$argv[1]]
    set -q found[1]; and printf '%s\\n' $found
end"""


def fish_lister(program, name, kind):
    """A function that lists what exists, in the places that were typed."""
    given = "|".join(o.name for o in places(program))
    return f"""function {name}
    set -l words (commandline -opc)
    set -l at
    for i in (seq 2 (count $words))
        if string match -qr -- '^--({given})=' $words[$i]
            set -a at $words[$i]
        else if string match -qr -- '^--({given})$' $words[$i]; and set -q words[(math $i + 1)]
            set -a at $words[$i] $words[(math $i + 1)]
        end
    end
    {program.name} $at {LISTERS[kind].replace("OWNER", "-- $argv[1]")} 2>/dev/null
end"""


def write_fish(program):
    def quote(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def line(condition, o):
        kind, choices = shell_value(o)
        parts = ["complete -c", program.name, "-n", quote(condition), "-l", o.name]
        parts += ["-s", o.short] if o.short else []
        if kind == "words":
            parts += ["-x", "-a", quote(" ".join(choices + ["(%s)" % lister_name(k) for k in o.live]))]
        elif kind == "dir":
            parts += ["-x", "-a", quote("(__fish_complete_directories)")]
        elif kind == "file":
            parts += ["-r", "-F"]
        elif o.live:
            offered = ["(%s)" % lister_name(k) for k in o.live] + ["(__fish_complete_directories)"] * ("bind" in o.live)
            parts += ["-x", "-a", quote(" ".join(offered))]
        elif o.value:
            parts += ["-x"]
        return " ".join(parts + ["-d", quote(o.help.split(". ")[0].rstrip("."))])

    def offer(condition, word, summary):
        return "complete -c %s -n %s -a %s -d %s" % (program.name, quote(condition), word, quote(summary))

    def lister_name(kind):
        return f"__{program.name.replace('-', '_')}_{kind}s"

    groups = [g.name for g in program.groups]
    top = [n for c in program.all for n in c.names if " " not in n]
    lines = [f"# fish completion for {program.name}; made by tools/gen-cli.py from the man pages.",
             f"complete -c {program.name} -f"]
    counter = "__%s_operands" % program.name.replace("-", "_")
    lines.append(fish_counter(program))
    for kind in live_kinds(program):
        lines.append(fish_lister(program, lister_name(kind), kind))

    def valued(command):
        """The spellings of the options whose value is the next word."""
        return " ".join(s for o in [*program.itself.options, *command.options] if o.value for s in o.spellings)

    def operand_lines(command, name, condition):
        typed = "(%s %d %s)" % (counter, len(name.split()), valued(command))
        for i, kinds in enumerate(operand_kinds(command)):
            at = condition + ("; and test (count %s) %s %d" % (typed, "-ge" if command.operands[i][2] else "-eq", i))
            for kind in kinds:
                if kind == "file":
                    yield "complete -c %s -n %s -F" % (program.name, quote(at))
                elif kind in LISTERS:
                    owner = " " + typed + "[1]" if kind == "snapshot" else ""
                    yield "complete -c %s -n %s -a %s" % (program.name, quote(at), quote("(%s%s)" % (lister_name(kind), owner)))
    before = "not __fish_seen_subcommand_from " + " ".join(top)
    lines += [line(before, o) for o in program.itself.options]
    lines += [offer(before, name, c.summary) for name, c in program.listed()]
    for group in groups:
        inside = [name for name, _ in program.listed(group)]
        condition = f"__fish_seen_subcommand_from {group}; and not __fish_seen_subcommand_from {' '.join(inside)}"
        lines += [offer(condition, name, c.summary) for name, c in program.listed(group)]
    for c in program.commands:
        for name in c.names:
            condition = "; and ".join("__fish_seen_subcommand_from " + w for w in name.split())
            if groups and " " not in name:
                condition = f"not __fish_seen_subcommand_from {' '.join(groups)}; and " + condition
            lines += [line(condition, o) for o in c.options]
            lines += operand_lines(c, name, condition)
            if name == "help":
                lines += [offer(condition, n, found.summary) for n, found in program.listed()]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 9 or sys.argv[1] not in ("runc", "docker"):
        die("wants HABITS PREFIX HEADER SOURCE BASH ZSH FISH PAGE...")
    program = parse_program(sys.argv[2], [read_page(path) for path in sys.argv[8:]])
    for command in [program.itself, *program.all]:
        command.joined = sys.argv[1] == "docker"
    outputs = [write_header(program), write_source(program), write_bash(program), write_zsh(program), write_fish(program)]
    for path, text in zip(sys.argv[3:8], outputs):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


if __name__ == "__main__":
    main()
