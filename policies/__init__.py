"""The policy engine and the YAML that compliance edits. Pure: reads text and facts, decides, explains."""
