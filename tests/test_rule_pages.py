"""The page of each rule is a test: its code says what its annotations say, and the rule fires."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from annotations import expectations, mismatches
from mdtest import Section, sections
from oxide_analyzer import rules
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.rules.rule import Rule

PAGES = Path(rules.__file__).parent
SECTIONS = {
    rule.code: sections(PAGES / rule.page_name, rule.page_name)
    for rule in rules.RULES
    if (PAGES / rule.page_name).is_file()
}

# What no file can bring about: found at a launch, or a page of prose.
WITHOUT_EXAMPLE = {"OX405", "OX999"}


@pytest.mark.parametrize(
    "section",
    [section for found in SECTIONS.values() for section in found],
    ids=lambda section: f"{section.path}: {section.title}",
)
def test_page_says_what_the_analyzer_says(section: Section) -> None:
    report = check(SourceFile(section.path, section.text), NoModules())
    assert mismatches(expectations(section.path, section.text), report.diagnostics) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.code)
def test_page_shows_its_rule_firing(rule: Rule) -> None:
    announced = {
        expectation.rule
        for section in SECTIONS[rule.code]
        for expectation in expectations(section.path, section.text)
    }
    assert (rule.code in announced or rule.name in announced) is (rule.code not in WITHOUT_EXAMPLE)
