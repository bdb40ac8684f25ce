package orgusers_test

import (
	"bytes"
	"context"
	"iter"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// scanned is one operation as the scanner runs it: it returns everything that
// a caller gets.
type scanned func(ctx context.Context, t *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error)

func rows[T any](all iter.Seq2[*T, error]) (any, error) {
	var got []*T
	for row, err := range all {
		if err != nil {
			return got, err
		}
		got = append(got, row)
	}
	return got, nil
}

// bulkOf is a call for a member, somebody pending and a stranger.
func bulkOf(call func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)) scanned {
	return func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return call(c, ctx, []string{member(0), pending(0), newcomer}, nil)
	}
}

// scannedOperations has each exported method of a client by its name, and Login.
var scannedOperations = map[string]scanned{
	"ListUsers": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListUsers(ctx, &orgusers.ListUsersOptions{Search: member(0)})
	},
	"Users": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Users(ctx, nil))
	},
	"FindUsers": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.FindUsers(ctx, member(0), newcomer)
	},
	"GetUser": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.GetUser(ctx, pending(0))
	},
	"ListRoles": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListRoles(ctx, nil)
	},
	"Roles": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Roles(ctx, nil))
	},
	"RoleByName": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.RoleByName(ctx, "admin")
	},
	"StackRoles": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.StackRoles(ctx, s.Stacks()[0].APIKey))
	},
	"Stacks": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Stacks(ctx, nil))
	},
	"GetOrganization": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.GetOrganization(ctx, &orgusers.OrganizationOptions{IncludePlan: true})
	},
	"ListOrganizations": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListOrganizations(ctx, nil)
	},
	"Organizations": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Organizations(ctx, nil))
	},
	"ForOrganization": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		other, err := c.ForOrganization(s.SecondOrganizationUID)
		if err != nil {
			return nil, err
		}
		organization, err := other.GetOrganization(ctx, nil)
		return []any{other, organization}, err
	},
	"GetCurrentUser": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.GetCurrentUser(ctx)
	},
	"AuditLog": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.AuditLog(ctx, nil))
	},
	"GetAuditEntry": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		uid := "blt404"
		if _, err := c.RemoveUsers(ctx, []string{pending(2)}, nil); err == nil { // there is an entry
			for entry, err := range c.AuditLog(ctx, nil) {
				if err == nil {
					uid = entry.UID
				}
				break
			}
		}
		return c.GetAuditEntry(ctx, uid)
	},
	"PendingInvitations": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.PendingInvitations(ctx))
	},
	"Do": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		var out struct{ Shares []struct{ Email string } }
		err := c.Do(ctx, orgusers.Request{
			Method: http.MethodPost, Path: "/organizations/{organization_uid}/share/search", ReadOnly: true,
			Body: map[string][]string{"emails": {member(0)}},
		}, &out)
		return out, err
	},
	"ExportCSV": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		var file bytes.Buffer
		summary, err := c.ExportCSV(ctx, &file, nil)
		return []any{summary, file.String()}, err
	},
	"ExportCSVFile": func(ctx context.Context, t *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		dir := t.TempDir()
		summary, err := c.ExportCSVFile(ctx, filepath.Join(dir, "users.csv"), nil)
		return []any{summary, contents(t, dir)}, err
	},
	"Invite": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.Invite(ctx, orgusers.InviteRequest{Invitees: []orgusers.Invitee{
			{Email: newcomer, RoleUIDs: []string{s.RoleUID("Member")}}, {Email: pending(0)}, {Email: member(0)},
		}})
	},
	"ResendInvitation": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		user, _ := s.User(pending(1))
		return nil, c.ResendInvitation(ctx, user.ShareUID)
	},
	"ResendInvitationTo": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return nil, c.ResendInvitationTo(ctx, pending(1))
	},
	"SendPasswordReset": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return nil, c.SendPasswordReset(ctx, member(0))
	},
	"TransferOwnership": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return nil, c.TransferOwnership(ctx, member(0))
	},
	"UpdateRoles": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.UpdateRoles(ctx, []string{member(0), newcomer}, []string{s.RoleUID("Admin")}, nil)
	},
	"UpdateStackAccess": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.UpdateStackAccess(ctx, []string{member(0), newcomer}, access(s, 0), nil)
	},
	"RemoveUsers":         bulkOf((*orgusers.Client).RemoveUsers),
	"WithdrawInvitations": bulkOf((*orgusers.Client).WithdrawInvitations),
	"UnlockUsers":         bulkOf((*orgusers.Client).UnlockUsers),
	"ResetMFA":            bulkOf((*orgusers.Client).ResetMFA),
	"ForcePasswordReset":  bulkOf((*orgusers.Client).ForcePasswordReset),
	"EndSessions":         bulkOf((*orgusers.Client).EndSessions),
	"Logout": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return nil, c.Logout(ctx)
	},
	"Login": nil, // which has no client; see run
}

// A method that is added later is scanned too.
func TestScannerKnowsEveryOperation(t *testing.T) {
	t.Parallel()
	silent := map[string]bool{"OrganizationUID": true, "BaseURL": true, "String": true, "Format": true}
	client := reflect.TypeFor[*orgusers.Client]()
	for method := range client.Methods() {
		if _, known := scannedOperations[method.Name]; !known && !silent[method.Name] {
			t.Errorf("%s is not in scannedOperations of secrets_operations_test.go: add it there", method.Name)
		}
	}
}
