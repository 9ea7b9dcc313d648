"""Relapse-prevention plans: what endangers recovery, what helps, rehearsed and reviewed."""
