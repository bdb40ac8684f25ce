// Package offboarding is in a module that imports orguserstest for its tests only.
package offboarding

import (
	"context"

	"github.com/orgusers/orgusers"
)

// Offboard removes leavers, and returns those who are not known to be gone.
func Offboard(ctx context.Context, client *orgusers.Client, leavers []string) (left []string, err error) {
	result, err := client.RemoveUsers(ctx, leavers, nil)
	for _, outcome := range result.Outcomes { // there are outcomes with an error too
		if outcome.Status != orgusers.OutcomeDone && outcome.Status != orgusers.OutcomeSkipped {
			left = append(left, outcome.Email)
		}
	}
	return left, err
}
