from __future__ import annotations

import pytest

from oxide_analyzer import gitignore


@pytest.mark.parametrize(
    ("patterns", "path", "is_directory", "expected"),
    [
        ("build/", "build", True, True),
        ("build/", "build", False, None),
        ("build/", "src/build", True, True),
        ("/build", "build", True, True),
        ("/build", "src/build", True, None),
        ("*.gen.py", "a/b/c.gen.py", False, True),
        ("*.gen.py", "a/gen.py", False, None),
        ("docs/old", "docs/old", True, True),
        ("docs/old", "x/docs/old", True, None),
        ("docs/**/old", "docs/old", True, True),
        ("docs/**/old", "docs/a/b/old", True, True),
        ("**/cache", "a/cache", True, True),
        ("out/**", "out/a/b.py", False, True),
        ("out/**", "out", True, None),
        ("a?.py", "ab.py", False, True),
        ("a[0-9].py", "a7.py", False, True),
        ("a[!0-9].py", "a7.py", False, None),
        ("*.py\n!keep.py", "keep.py", False, False),
        ("!keep.py\n*.py", "keep.py", False, True),
        ("# comment\n\n", "comment", False, None),
        ("\\#odd.py", "#odd.py", False, True),
        ("name   ", "name", False, True),
        ("a.py", "aXpy", False, None),
        ("[", "[", False, True),
        ("/", "a", True, None),
    ],
)
def test_patterns(patterns: str, path: str, is_directory: bool, expected: bool | None) -> None:
    assert gitignore.ignored(gitignore.parse(patterns), path, is_directory) is expected
