"""Programs run by a judge that is served elsewhere (`lowres-code serve`)."""
