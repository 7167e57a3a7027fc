"""Where feeds meet series: pulled, looked at, backfilled."""
