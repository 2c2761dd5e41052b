"""The gateway: the way in over HTTP for everybody who has a page, and the way out for their live news."""
