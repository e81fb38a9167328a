"""Small requests that break a stock view of DRF, and the views to send them to, stock and guarded."""
