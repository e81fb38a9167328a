"""A site whose reads go to a PostgreSQL standby that lags."""
