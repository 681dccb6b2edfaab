"""``copain cores``: the libretro cores on this machine."""
