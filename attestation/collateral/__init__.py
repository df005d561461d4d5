"""What vendors publish about their hardware and services, kept offline: format, rules, choice. Pure."""
