package orgusers

import (
	"fmt"
	"slices"
	"strings"
)

// Region is a data center of the product.
type Region string

// The regions. [ParseRegion] knows aliases too.
const (
	RegionNA      Region = "na"
	RegionEU      Region = "eu"
	RegionAU      Region = "au"
	RegionAzureNA Region = "azure-na"
	RegionAzureEU Region = "azure-eu"
	RegionGCPNA   Region = "gcp-na"
	RegionGCPEU   Region = "gcp-eu"
)

var regions = []struct {
	region  Region
	aliases []string
	host    string
}{
	{RegionNA, []string{"us", "aws-na"}, "api.contentstack.io"}, // the only one with .io
	{RegionEU, []string{"aws-eu"}, "eu-api.contentstack.com"},
	{RegionAU, []string{"aws-au"}, "au-api.contentstack.com"},
	{RegionAzureNA, nil, "azure-na-api.contentstack.com"},
	{RegionAzureEU, nil, "azure-eu-api.contentstack.com"},
	{RegionGCPNA, nil, "gcp-na-api.contentstack.com"},
	{RegionGCPEU, nil, "gcp-eu-api.contentstack.com"},
}

// ParseRegion returns the region with the given name: "na", "eu", "au",
// "azure-na", "azure-eu", "gcp-na", "gcp-eu", or one of the aliases "us",
// "aws-na", "aws-eu" and "aws-au". It ignores letter case and surrounding white
// space, and accepts an underscore for a hyphen. It returns [ErrInvalid] for
// every other name.
func ParseRegion(name string) (Region, error) {
	region, err := parseRegion(name)
	if err != nil {
		return "", invalid(err)
	}
	return region, nil
}

func parseRegion(name string) (Region, error) {
	normal := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")
	for _, r := range regions {
		if normal == string(r.region) || slices.Contains(r.aliases, normal) {
			return r.region, nil
		}
	}
	return "", fmt.Errorf("unknown region %q: use one of %s", name, regionNames())
}

func regionNames() string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = string(r.region)
	}
	return strings.Join(names, ", ")
}

func (r Region) host() string {
	for _, known := range regions {
		if known.region == r {
			return known.host
		}
	}
	return regions[0].host
}
