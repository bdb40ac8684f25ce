package orgusers

import (
	"fmt"
	"slices"
	"strings"
)

// Region is a data centre of the product.
type Region string

// The regions. [ParseRegion] knows further names of theirs.
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
	{RegionNA, []string{"us", "aws-na"}, "api.contentstack.io"}, // the odd one
	{RegionEU, []string{"aws-eu"}, "eu-api.contentstack.com"},
	{RegionAU, []string{"aws-au"}, "au-api.contentstack.com"},
	{RegionAzureNA, nil, "azure-na-api.contentstack.com"},
	{RegionAzureEU, nil, "azure-eu-api.contentstack.com"},
	{RegionGCPNA, nil, "gcp-na-api.contentstack.com"},
	{RegionGCPEU, nil, "gcp-eu-api.contentstack.com"},
}

// ParseRegion reads the name of a region: "na", "eu", "au", "azure-na",
// "azure-eu", "gcp-na", "gcp-eu", or one of the aliases "us", "aws-na",
// "aws-eu" and "aws-au". Letter case and blanks around it do not matter, and
// an underscore is as good as a hyphen. Anything else is [ErrInvalid].
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
	return "", fmt.Errorf("unknown region %q: it is one of %s", name, regionNames())
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
