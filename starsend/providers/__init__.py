"""One vendor each, behind the seam of `starsend.api_client`."""
