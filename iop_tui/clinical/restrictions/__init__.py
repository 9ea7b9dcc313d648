"""Restrictions: whom the person asked us not to tell, and what the program agreed to (45 CFR 164.522(a))."""
