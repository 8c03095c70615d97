"""One module for each CloudFormation type that runs here, found in `translators.TRANSLATORS`."""
