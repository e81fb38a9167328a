"""Explains a decision in words: what was asked, what refused it, and what would allow it."""

from api_guard.explain.deciding import explain
from api_guard.explain.records import question_of
from api_guard.explain.requiring import Required, requirements
from api_guard.explain.said import Answer, Explanation, Need, Question, Step
from api_guard.explain.who import can, who_can

__all__ = [
    "Answer",
    "Explanation",
    "Need",
    "Question",
    "Required",
    "Step",
    "can",
    "explain",
    "question_of",
    "requirements",
    "who_can",
]
