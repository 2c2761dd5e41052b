"""The companion page: the gateway's own page for one person, rendered here and kept fresh by the live line."""
