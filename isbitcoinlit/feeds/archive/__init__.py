"""Archives: what upstreams keep of the past, to be fetched part by part."""
