module github.com/orgusers/orgusers/orguserstest/interop

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/orgusers/orgusers v0.0.0
)

require (
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/orgusers/orgusers => ../../
