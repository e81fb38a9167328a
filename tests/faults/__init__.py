"""A site on servers of its own, which are stopped, hung, slowed and filled while it is asked."""
