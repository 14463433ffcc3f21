"""The judge as a service: ``lowres-code serve``. What it says and takes is in `lowres_code.remote.wire`."""
