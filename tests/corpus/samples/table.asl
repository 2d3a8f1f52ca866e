DefinitionBlock ("", "SSDT", 2, "ONE", "TABLE", 1) { Name (\ONE, 1) }
