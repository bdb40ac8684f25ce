package main

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// version is that of the module, or where it has none the revision of its
// source. A program that go run made has neither.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return "devel"
}

// noOrganizationIsSet tells whether [program.Organization] opens its fake,
// whose users are made up. It does only when no variable is set.
func noOrganizationIsSet() bool {
	return !slices.ContainsFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "CONTENTSTACK_") })
}
