"""Pictures of every page, in two widths, light and dark, of calls that were really analysed; every page is looked over as well."""
