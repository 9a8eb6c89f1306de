"""The supervisor of one environment: standard library only, so that it can run detached and outlive an upgrade."""
