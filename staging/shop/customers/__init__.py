"""The shop's customers: logged in over OpenID Connect, with what they ordered."""
