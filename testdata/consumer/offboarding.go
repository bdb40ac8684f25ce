// Package offboarding removes whoever has left.
package offboarding

import (
	"context"

	"github.com/orgusers/orgusers"
)

// Remove takes leavers out of an organization, and returns those who are not
// known to be gone.
func Remove(ctx context.Context, client *orgusers.Client, leavers []string) (left []string, err error) {
	result, err := client.RemoveUsers(ctx, leavers, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		if outcome.Status == orgusers.OutcomeFailed || outcome.Status == orgusers.OutcomeUnknown {
			left = append(left, outcome.Email)
		}
	}
	return left, err
}
