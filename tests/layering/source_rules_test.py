"""Rules of the source tree that no compiler checks (src/README.md): words and includes outside their home, sizes,
names, sources that are in no build file.

    source_rules_test.py <root of the repository>

Every rule is first tried on a small tree that breaks it: a rule that cannot fail would prove nothing.
"""

import pathlib
import re
import sys
import tempfile
import unittest

FOLDERS = ("src", "include", "tests", "bench")
TEXT_ENDINGS = {".h", ".cc", ".py", ".sh", ".cmake", ".txt", ".md", ".proto", ".yaml", ".yml"}
HEADER_LINES_MAX = 200
SOURCE_LINES_MAX = 800

# Words of code and the files that may use them.
WORD_HOMES = (
    (r"\bstd::(?:\w+_)?mutex\b|\bstd::condition_variable(?:_any)?\b", ("include/alidade/common/mutex.h",)),
    (r"\babsl::", ("include/alidade/common/status.h", "src/common/status.cc")),
    (r"\busing\s+namespace\b", ()),
)

# Includes of outside libraries and the folders that may have them.
INCLUDE_HOMES = (
    (r"faiss/", ("src/index/", "bench/")),
    (r"rocksdb/", ("src/storage/", "bench/")),
    (r"grpc|google/|alidade/v1/", ("src/api/", "src/cli/", "tests/", "bench/")),
    (r"hwy/", ("src/vec/",)),
    (r"absl/", ("include/alidade/common/status.h", "src/common/status.cc")),
    (r"spdlog/|xxhash", ("src/common/",)),
    (r"yaml-cpp/", ("src/server/", "src/cli/")),
    (r"utf8proc|libstemmer", ("src/text/",)),
    (r"CLI/", ("src/server/", "src/cli/", "tests/unit/cli/", "bench/")),
)

UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
VAGUE_NAME = re.compile(r"(?:^|[_-])(?:utils?|helpers?|misc)(?:[_-]|$)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
# A quote after a letter or digit is a digit separator (or the end of a prefix, which is rare enough).
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>R"(?P<tag>\w*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<!\w)'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)


def blank(text, strings):
    """The text without its comments and, if asked, its strings; line numbers stay."""

    def keep_lines(match):
        if match.group("comment") is None and not strings:
            return match.group(0)
        return "\n" * match.group(0).count("\n") or " "

    return TOKEN.sub(keep_lines, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


class Tree:
    """The files under the folders of a root, and what is wrong with them."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.problems = []
        self.files = sorted(
            path
            for folder in FOLDERS
            for path in (self.root / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        )
        self.sources = [path for path in self.files if path.suffix in (".h", ".cc")]

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def report(self, path, line, message):
        self.problems.append(f"{self.name(path)}:{line}: {message}")

    def check(self):
        for path in self.files:
            self.check_name(path)
            if path.suffix in TEXT_ENDINGS:
                text = path.read_text(encoding="utf-8")
                for match in UNFINISHED.finditer(text):
                    self.report(path, line_of(text, match.start()), f"'{match.group()}': finish it or file an issue")
        for path in self.sources:
            text = path.read_text(encoding="utf-8")
            self.check_size(path, text)
            self.check_words(path, blank(text, strings=True))
            self.check_includes(path, blank(text, strings=False))
            if path.suffix == ".cc":
                self.check_listed(path)
        return self.problems

    def check_name(self, path):
        if path.suffix in (".cpp", ".cxx", ".hpp", ".hh", ".c"):
            self.report(path, 1, "C++ files end in .h or .cc")
        for part in path.relative_to(self.root).with_suffix("").parts:
            if VAGUE_NAME.search(part.lower()):
                self.report(path, 1, f"'{part}' says nothing: name it after a concept")

    def check_size(self, path, text):
        lines = text.count("\n")
        limit = HEADER_LINES_MAX if path.suffix == ".h" else SOURCE_LINES_MAX
        if lines > limit:
            self.report(path, lines, f"has {lines} lines, the limit is {limit}")

    def check_words(self, path, code):
        for pattern, homes in WORD_HOMES:
            if self.name(path) in homes:
                continue
            for match in re.finditer(pattern, code):
                self.report(path, line_of(code, match.start()), f"'{match.group()}' outside its home {list(homes)}")

    def check_includes(self, path, code):
        includes = [(match.group(1), line_of(code, match.start())) for match in INCLUDE.finditer(code)]
        for included, line in includes:
            if ".." in included.split("/"):
                self.report(path, line, f"include of '{included}': paths start at an include root")
            if included.endswith(".cc"):
                self.report(path, line, f"include of the source '{included}'")
            for pattern, homes in INCLUDE_HOMES:
                if re.match(pattern, included) and not self.name(path).startswith(homes):
                    self.report(path, line, f"include of '{included}' outside {list(homes)}")
        own = self.own_header(path)
        if own and (not includes or includes[0][0] not in own):
            self.report(path, includes[0][1] if includes else 1, f"the first include must be '{own[0]}'")

    def own_header(self, path):
        """How a source may include the header of its own name; nothing if there is no such header."""
        if path.suffix != ".cc":
            return []
        parts = path.relative_to(self.root).parts
        if parts[0] == "src" and len(parts) == 3:
            public = f"alidade/{parts[1]}/{path.stem}.h"
            if (self.root / "include" / public).is_file():
                return [public]
        if not path.with_suffix(".h").is_file():
            return []
        # Tests have the folder `tests` as an include root.
        return ["/".join((*parts[1:-1], f"{path.stem}.h"))] * (parts[0] == "tests") + [f"{path.stem}.h"]

    def build_text(self, build):
        """A build file without comments, its loops over plain items written out."""
        text = re.sub(r"#[^\n]*", "", build.read_text(encoding="utf-8")) if build.is_file() else ""
        for variable, items, body in re.findall(
            r"foreach\((\w+) IN ITEMS ([^)]*)\)(.*?)endforeach", text, re.DOTALL
        ):
            text += "".join(body.replace("${" + variable + "}", item) for item in items.split())
        return text

    def check_listed(self, path):
        """The nearest build file above a source names it; or any, from the root."""
        folder = path.parent
        while folder != self.root and not (folder / "CMakeLists.txt").is_file():
            folder = folder.parent
        places = [(folder / "CMakeLists.txt", path.relative_to(folder).as_posix())]
        places += [
            (build, self.name(path))
            for build in self.files
            if build.name == "CMakeLists.txt" or build.suffix == ".cmake"
        ]
        for build, name in places:
            pattern = r"(?<![\w./-])(?:\$\{\w+\}/)?" + re.escape(name) + r"(?![\w.-])"
            if re.search(pattern, self.build_text(build)):
                return
        self.report(path, 1, f"is in no build file ({self.name(folder) or '.'}/CMakeLists.txt)")


class RulesTest(unittest.TestCase):
    """Each rule on a tree made for it."""

    def problems(self, files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return Tree(root).check()

    def expect(self, files, *expected):
        """`expected`: one part of each problem, in order."""
        found = self.problems(files)
        self.assertEqual(len(found), len(expected), found)
        for problem, part in zip(found, expected):
            self.assertIn(part, problem)

    def source(self, text, name="src/query/a.cc"):
        """A listed source."""
        folder, file = name.rsplit("/", 1)
        return {name: text, f"{folder}/CMakeLists.txt": f"alidade_add_module(x SOURCES {file})\n"}

    def test_accepts_a_clean_tree(self):
        self.expect(
            {
                "include/alidade/query/a.h": "#pragma once\n#include <vector>\n",
                "src/query/a.cc": '#include "alidade/query/a.h"\n\n#include "b.h"\nint x = 1\'000\'000;\n',
                "src/query/b.h": "// absl:: and std::mutex may be spoken of\n",
                "src/query/b.cc": '#include "b.h"\nconst char* t = "using namespace absl::";\n',
                "src/query/CMakeLists.txt": "alidade_add_module(query SOURCES a.cc b.cc)\n",
                "src/cmake/AlidadeModule.cmake": "add_executable(t ${PROJECT_SOURCE_DIR}/tests/layering/main.cc)\n",
                "tests/layering/main.cc": 'auto t = mkdtemp("' + "X" * 6 + '");\n',
                "tests/layering/CMakeLists.txt": "# nothing\n",
            }
        )

    def test_words_outside_their_home(self):
        self.expect(self.source("std::mutex m;\n"), "a.cc:1: 'std::mutex'")
        self.expect(self.source("\n/*\n*/ std::shared_mutex m;\n"), "a.cc:3: 'std::shared_mutex'")
        self.expect(self.source("std::condition_variable c;\n"), "condition_variable")
        self.expect(self.source("int x = 1'0; absl::Status s; char c = '\\'';\n"), "'absl::'")
        self.expect(self.source("using namespace std;\n"), "using namespace")
        self.expect(self.source('auto s = R"x(")x"; absl::Status t;\n'), "'absl::'")
        self.expect({"include/alidade/common/mutex.h": "std::mutex m; std::condition_variable c;\n"})
        self.expect({"include/alidade/common/status.h": "#include <absl/status/status.h>\nabsl::Status s;\n"})

    def test_includes_outside_their_home(self):
        for library in (
            "<faiss/IndexHNSW.h>",
            "<rocksdb/db.h>",
            "<grpcpp/grpcpp.h>",
            "<google/protobuf/message.h>",
            '"alidade/v1/points.pb.h"',
            "<hwy/highway.h>",
            "<absl/strings/str_cat.h>",
            "<spdlog/spdlog.h>",
            "<xxhash.h>",
            "<yaml-cpp/yaml.h>",
            "<CLI/CLI.hpp>",
        ):
            with self.subTest(library):
                self.expect(self.source(f"#include {library}\n"), "a.cc:1: include of")
                self.expect({"include/alidade/index/a.h": f"\n#  include {library}\n"}, "a.h:2: include of")
                self.expect(self.source(f"// #include {library}\n"))
        self.expect(self.source("#include <faiss/Index.h>\n", "src/index/a.cc"))
        self.expect(self.source("#include <rocksdb/db.h>\n", "src/storage/a.cc"))
        self.expect(self.source("#include <rocksdb/db.h>\n", "tests/unit/a.cc"), "rocksdb")
        self.expect(self.source("#include <grpcpp/grpcpp.h>\n", "tests/unit/a.cc"))
        self.expect(self.source('#include "alidade/v1/points.pb.h"\n', "src/api/a.cc"))
        self.expect(self.source("#include <grpcpp/grpcpp.h>\n", "src/engine/a.cc"), "grpcpp")

    def test_include_paths(self):
        self.expect(self.source('#include "../engine/secret.h"\n'), "include root")
        self.expect(self.source('#include "alidade/../secret.h"\n'), "include root")
        self.expect(self.source('#include "b.cc"\n'), "the source 'b.cc'")

    def test_own_header_first(self):
        public = {"include/alidade/query/a.h": "#pragma once\n"}
        message = "first include must be 'alidade/query/a.h'"
        self.expect(self.source("#include <vector>\n") | public, message)
        self.expect(self.source("int x;\n") | public, message)
        self.expect(self.source('#include "a.h"\n') | {"src/query/a.h": "#pragma once\n"})
        self.expect(self.source('#include "b.h"\n') | {"src/query/a.h": "\n", "src/query/b.h": "\n"}, "must be 'a.h'")
        test = {"tests/crash/a.h": "\n", "tests/crash/b.h": "\n"}
        self.expect(self.source('#include "crash/a.h"\n', "tests/crash/a.cc") | test)
        self.expect(self.source('#include "a.h"\n', "tests/crash/a.cc") | test)
        self.expect(self.source('#include "crash/b.h"\n', "tests/crash/a.cc") | test, "must be 'crash/a.h'")

    def test_unfinished_work(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
            self.expect(self.source(f"\n// {word}(me): later\n"), f"a.cc:2: '{word}'")
            self.expect({"tests/run.py": f"# {word}\n"}, f"run.py:1: '{word}'")

    def test_names(self):
        for name in ("utils.h", "string_util.h", "helpers.h", "test_helper.h", "misc.h", "x.hpp"):
            self.expect({f"src/query/{name}": "\n"}, f"src/query/{name}:1")
        self.expect({"src/helpers/a.h": "\n"}, "'helpers' says nothing")
        self.expect({"src/query/utilization.h": "\n"})

    def test_sizes(self):
        self.expect({"src/query/a.h": "\n" * HEADER_LINES_MAX})
        self.expect({"src/query/a.h": "\n" * (HEADER_LINES_MAX + 1)}, "has 201 lines")
        self.expect(self.source("\n" * SOURCE_LINES_MAX))
        self.expect(self.source("\n" * (SOURCE_LINES_MAX + 1)), "has 801 lines")

    def test_unlisted_sources(self):
        listed = {"src/query/CMakeLists.txt": "add_library(q aa.cc sub/a.cc a.cc.in # a.cc\n)\n"}
        self.expect({"src/query/a.cc": "\n"} | listed, "in no build file (src/query/CMakeLists.txt)")
        self.expect({"src/query/sub/a.cc": "\n"} | listed)
        self.expect({"src/query/sub/aa.cc": "\n"} | listed, "in no build file")
        self.expect({"src/query/a.cc": "\n"}, "in no build file")
        loop = {"tests/crash/CMakeLists.txt": "foreach(n IN ITEMS a b)\n  alidade_add_test(${n} SOURCES ${n}_test.cc)\nendforeach()\n"}
        self.expect({"tests/crash/a_test.cc": "\n"} | loop)
        self.expect({"tests/crash/c_test.cc": "\n"} | loop, "in no build file")
        elsewhere = {"tests/crash/CMakeLists.txt": "add_library(x ${PROJECT_SOURCE_DIR}/tests/support/a.cc)\n"}
        self.expect({"tests/support/a.cc": "\n"} | elsewhere)
        self.expect({"tests/support/b.cc": "\n"} | elsewhere, "in no build file")


class TreeTest(unittest.TestCase):
    root = None

    def test_follows_the_rules(self):
        tree = Tree(self.root)
        self.assertGreater(len(tree.sources), 50, "this is not the repository")
        problems = tree.check()
        self.assertFalse(problems, "\n" + "\n".join(problems))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    TreeTest.root = sys.argv.pop()
    unittest.main()
