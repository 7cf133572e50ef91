"""Invented calls: who calls when, what is said, and how the built-in rules find it. Pure; a seed gives the same calls again."""

from callcov_portal.demodata.calls import Call, calls
from callcov_portal.demodata.judgement import Line
from callcov_portal.demodata.people import Agent, agents
from callcov_portal.demodata.plan import SOURCE, Plan

__all__ = ["SOURCE", "Agent", "Call", "Line", "Plan", "agents", "calls"]
