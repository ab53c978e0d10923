"""A folder of rule files to Rules."""

from policy_service.policies.loader.folder import BUNDLE, FRAME, Sources, check_sources, is_case_file, read_folder
from policy_service.policies.loader.load import is_bounded, load

__all__ = ["BUNDLE", "FRAME", "Sources", "check_sources", "is_bounded", "is_case_file", "load", "read_folder"]
