"""Every metric, by any filter and any group: what monitors watch and what panels draw."""
