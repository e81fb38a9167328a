"""Small requests that break a stock view of DRF, and views to send them to."""
