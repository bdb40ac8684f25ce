package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Team is a team of the organization. It gives its users organization roles and stack
// roles.
type Team struct {
	UID         string
	Name        string
	Description string
	// UserUIDs are the accounts in the team.
	UserUIDs []string
	// RoleUIDs are the organization roles that the team gives.
	RoleUIDs []string
	// Stacks are the stack roles that the team gives, by uid.
	Stacks               StackAccess
	CreatedAt, UpdatedAt time.Time
}

type teamJSON struct {
	UID              string             `json:"uid"`
	Name             string             `json:"name"`
	Description      string             `json:"description,omitempty"`
	Users            uids               `json:"users"`
	Roles            []string           `json:"organizationRoles,omitempty"`
	StackRoleMapping []stackRoleMapping `json:"stackRoleMapping,omitempty"`
	CreatedAt        timestamp          `json:"createdAt,omitzero"`
	UpdatedAt        timestamp          `json:"updatedAt,omitzero"`
}

type stackRoleMapping struct {
	APIKey string   `json:"stackApiKey"`
	Roles  []string `json:"roles"`
}

// UnmarshalJSON decodes a team as the API sends it.
func (t *Team) UnmarshalJSON(data []byte) error {
	var wire teamJSON
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*t = Team{
		UID: wire.UID, Name: wire.Name, Description: wire.Description, UserUIDs: wire.Users, RoleUIDs: wire.Roles,
		CreatedAt: wire.CreatedAt.Time, UpdatedAt: wire.UpdatedAt.Time,
	}
	for _, mapping := range wire.StackRoleMapping {
		if t.Stacks == nil {
			t.Stacks = StackAccess{}
		}
		t.Stacks[mapping.APIKey] = append(t.Stacks[mapping.APIKey], mapping.Roles...)
	}
	return nil
}

// MarshalJSON encodes a team under the API's names.
func (t Team) MarshalJSON() ([]byte, error) {
	wire := teamJSON{
		UID: t.UID, Name: t.Name, Description: t.Description, Users: append(uids{}, t.UserUIDs...), Roles: t.RoleUIDs,
		CreatedAt: timestamp{t.CreatedAt}, UpdatedAt: timestamp{t.UpdatedAt},
	}
	for _, key := range slices.Sorted(maps.Keys(t.Stacks)) {
		wire.StackRoleMapping = append(wire.StackRoleMapping, stackRoleMapping{key, t.Stacks[key]})
	}
	return json.Marshal(wire)
}

// TeamsOptions narrow a list of teams. Nil means all teams.
type TeamsOptions struct {
	// Search keeps teams whose name contains the text, as the server matches it.
	Search string
}

// maxTeams is the page size of teams, and how many an organization can have.
const maxTeams = 500

// Teams returns a sequence of the organization's teams, like [Client.Users] complete or ending
// with an error. It is empty if there are no teams. It yields [ErrForbidden] or [ErrNotFound]
// if the plan of the organization has no teams, or the caller may not see them.
//
// It sends GET /v4/teams with the header organization_uid (documented).
func (c *Client) Teams(ctx context.Context, opts *TeamsOptions) iter.Seq2[*Team, error] {
	options := *cmp.Or(opts, &TeamsOptions{})
	return listAll(ctx, opTeams, paging.List[*Team]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Team], error) {
			q := struct {
				Limit     int    `url:"limit"`
				Skip      int    `url:"skip"`
				Ascending string `url:"asc"`
				Search    string `url:"typeahead,omitempty"`
			}{limit, skip, string(SortByCreated), options.Search}
			var response teamsResponse
			err := c.do(ctx, opTeams, input{query: q}, &response)
			if errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
				err = fmt.Errorf("%w; the plan of the organization may have no teams", err)
			}
			return paging.Page[*Team]{Rows: response.Teams, Count: countOf(response.Count)}, err
		},
		Key:      func(t *Team) string { return t.UID },
		PageSize: maxTeams,
	})
}

// teamsIfAny returns no teams if the plan has none.
func (c *Client) teamsIfAny(ctx context.Context) ([]*Team, error) {
	teams, err := Collect(c.Teams(ctx, nil))
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound):
		return nil, nil
	case err == nil:
		err = checkTeamUsers(teams...)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the list of teams cannot be read: %w", ErrIncomplete, err)
	}
	return teams, nil
}

// checkTeamUsers returns an error if the server did not send the users of a team.
func checkTeamUsers(teams ...*Team) error {
	for _, team := range teams {
		if team.UserUIDs == nil {
			return fmt.Errorf("the server did not send the users of the team %q (%s)", team.Name, team.UID)
		}
	}
	return nil
}

// teamsResponse is an object with a list, the whole list, or nothing with status 204.
type teamsResponse struct {
	Teams []*Team `json:"teams"`
	Count *int    `json:"count"`
}

func (r *teamsResponse) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		err := json.Unmarshal(data, &r.Teams)
		r.Count = new(len(r.Teams))
		return err
	}
	type plain teamsResponse // without this method
	return json.Unmarshal(data, (*plain)(r))
}

// complete reports whether there is a list. Users without a uid could be anybody.
func (r *teamsResponse) complete() bool {
	return r.Teams != nil && !slices.ContainsFunc(r.Teams, func(t *Team) bool { return t == nil || slices.Contains(t.UserUIDs, "") })
}

// GetTeam returns the team with a uid or a name. A uid takes precedence. Names are compared
// without letter case. It returns [ErrNotFound] if the organization has no such team, and
// [ErrInvalid], with the uids, if two teams have the name. It sends what [Client.Teams] sends.
func (c *Client) GetTeam(ctx context.Context, nameOrUID string) (*Team, error) {
	return getNamed("GetTeam", c.Teams(ctx, nil), nameOrUID, findTeam)
}

func findTeam(teams []*Team, nameOrUID string) (*Team, error) {
	return findNamed("team", teams, nameOrUID, func(t *Team) (string, string) { return t.UID, t.Name })
}

// teamWithUsers is GetTeam for a call that draws conclusions from the users of the team.
func (c *Client) teamWithUsers(ctx context.Context, nameOrUID string) (*Team, error) {
	team, err := c.GetTeam(ctx, nameOrUID)
	if err == nil {
		err = checkTeamUsers(team)
	}
	return team, err
}

// TeamUser is a user of a team.
type TeamUser struct {
	UID       string `json:"uid,omitempty"`
	Email     string `json:"email,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
	Active    bool   `json:"active,omitempty"`
	// Status is the state of the membership in the organization.
	Status UserStatus `json:"orgInvitationStatus,omitempty"`
}

// UnmarshalJSON decodes a user of a team: userId for uid too.
func (u *TeamUser) UnmarshalJSON(data []byte) error {
	type plain TeamUser // without this method
	wire := struct {
		*plain
		UserID string `json:"userId"`
	}{plain: (*plain)(u)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	u.UID = cmp.Or(u.UID, wire.UserID)
	return nil
}

// TeamUsers returns a sequence of the users of a team, complete or with an error as that
// of [Client.Users]. It yields [ErrNotFound] if the organization has no team with the uid,
// and [ErrInvalid] if the uid is malformed.
//
// It sends GET /organizations/{organization_uid}/teams/{team_uid}/users (documented; the
// paging is that of other lists, and one field is observed under two names).
func (c *Client) TeamUsers(ctx context.Context, teamUID string) iter.Seq2[*TeamUser, error] {
	return listAll(ctx, opTeamUsers, paging.List[*TeamUser]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*TeamUser], error) {
			q := struct {
				Limit              int  `url:"limit"`
				Skip               int  `url:"skip"`
				IncludeUserDetails bool `url:"includeUserDetails"`
				IncludeCount       bool `url:"include_count"`
			}{limit, skip, true, true}
			var response teamUsersResponse
			err := c.do(ctx, opTeamUsers, input{query: q, path: map[string]string{"team_uid": teamUID}}, &response)
			return paging.Page[*TeamUser]{Rows: response.Users, Count: countOf(response.Count)}, err
		},
		Key:      func(u *TeamUser) string { return cmp.Or(u.UID, u.Email) },
		PageSize: maxPageSize,
	})
}

type teamUsersResponse struct {
	Users []*TeamUser `json:"users"`
	Count *int        `json:"count"`
}

func (r *teamUsersResponse) complete() bool { return r.Users != nil && !slices.Contains(r.Users, nil) }

// AddToTeam adds members of the organization to a team, which is given by uid or name. Pending
// invitations, addresses that are not in the organization, and users who are in the team
// already are skipped. The request invites an address that is not in the organization. Users
// are therefore looked up immediately before it is sent. A user who is removed in between may
// be invited.
//
// The call is refused with [ErrRefused] if the list is empty or an address is malformed.
// It returns [ErrInvalid] or [ErrNotFound], and sends no change, if the team cannot be
// found. It returns [ErrOutcomeUnknown] if a change may or may not have been made.
//
// It sends POST /organizations/{organization_uid}/teams/{team_uid}/users (documented), for
// ten users at a time, after reading the addresses and the teams. It reads the teams again
// to confirm the change.
func (c *Client) AddToTeam(ctx context.Context, teamUID string, emails []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opAddToTeam, emails, opts)
	find := b.findTeam(teamUID)
	b.resolve(ctx)
	for _, t := range b.undecided() {
		if reason := notSeveralMembers(b, t); reason != "" {
			b.refuse(t, reason, nil)
		}
	}
	b.stopIfRefused()
	b.skip(unlessAccepted)
	team := find(ctx)
	b.skip(func(t *target) Reason {
		if slices.Contains(team.UserUIDs, t.user().UID) {
			return ReasonUnchanged
		}
		return ""
	})
	b.send = func(ctx context.Context, batch []*target) error {
		if err := b.refresh(ctx, batch); err != nil {
			b.abort(readFailure(ctx), withOp(b.op.name+": not started", err))
			return nil
		}
		for _, t := range batch {
			if t.doubtful {
				b.refuse(t, ReasonDuplicateRows, nil)
			} else if reason := unlessAccepted(t); reason != "" {
				t.decide(OutcomeSkipped, reason, nil)
			}
		}
		if batch = undecided(batch); len(batch) == 0 {
			return nil
		}
		return c.do(ctx, opAddToTeam, input{path: map[string]string{"team_uid": team.UID}, body: emailsBody{addressesOf(batch)}}, nil)
	}
	b.readBack = b.readTeamBack(team.UID, true)
	return b.run(ctx)
}

// unlessAccepted skips a user whose status is not known too, because the request may invite
// the user again.
func unlessAccepted(t *target) Reason {
	if len(t.rows) > 0 && t.rows[0].Status != StatusAccepted {
		return ReasonPending
	}
	return unlessMember(t)
}

// RemoveFromTeam removes users from a team, which is given by uid or name. Addresses that are
// not in the organization or not in the team are skipped. Users lose only the roles that no
// other team gives and that they do not have directly.
//
// Guards ([ErrRefused]) and outcomes are those of [Client.RemoveUsers]. It returns
// [ErrInvalid] or [ErrNotFound], and sends no change, if the team cannot be found.
//
// It sends DELETE /organizations/{organization_uid}/teams/{team_uid}/users/{user_uid}
// (documented) for each user, after the reads of [Client.RemoveUsers] and the teams. It
// reads the teams again to confirm the change.
func (c *Client) RemoveFromTeam(ctx context.Context, teamUID string, emails []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opRemoveFromTeam, emails, opts)
	find := b.findTeam(teamUID)
	b.resolve(ctx, notOwner, notSelf, notSeveralMembers, notProtected)
	b.skip(unlessThere)
	team := find(ctx)
	b.skip(func(t *target) Reason {
		if !slices.Contains(team.UserUIDs, t.user().UID) {
			return ReasonNotInTeam
		}
		return ""
	})
	b.keepAdministrators(ctx, func(_ *target, roleUID string, other *Team) bool {
		if other == nil { // the role may list the user only because of this team
			return !slices.Contains(team.RoleUIDs, roleUID)
		}
		return other.UID != team.UID
	})
	b.size = 1
	b.send = func(ctx context.Context, batch []*target) error {
		in := input{path: map[string]string{"team_uid": team.UID, "user_uid": batch[0].user().UID}}
		return c.do(ctx, opRemoveFromTeam, in, nil)
	}
	b.readBack = b.readTeamBack(team.UID, false)
	return b.run(ctx)
}

// findTeam makes resolve read the teams. The returned function, which is called after it,
// returns the team with a uid or name, or starts nothing if there is none.
func (b *bulk) findTeam(nameOrUID string) func(context.Context) *Team {
	var team *Team
	var failure error
	b.reads = append(b.reads, func(ctx context.Context) error {
		team, failure = b.client.teamWithUsers(ctx, nameOrUID)
		return nil
	})
	return func(ctx context.Context) *Team {
		switch {
		case len(b.undecided()) == 0:
			return &Team{}
		case failure != nil:
			reason := readFailure(ctx)
			if errors.Is(failure, ErrInvalid) || errors.Is(failure, ErrNotFound) {
				reason = ReasonInvalidTeam
			}
			b.abort(reason, b.op.notRead(failure))
			return &Team{}
		case team.UID != strings.TrimSpace(nameOrUID):
			for _, t := range b.undecided() {
				t.note(fmt.Sprintf("team %q is %s", team.Name, team.UID))
			}
		}
		return team
	}
}

// readTeamBack reads whether users are in a team.
func (b *bulk) readTeamBack(teamUID string, wanted bool) reader {
	return func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
		team, err := b.client.teamWithUsers(ctx, teamUID)
		if err != nil {
			return nil, err
		}
		seen := make(map[*target]evidence, len(batch))
		for _, t := range batch {
			seen[t] = unchanged
			if slices.Contains(team.UserUIDs, t.user().UID) == wanted {
				seen[t] = changed
			}
		}
		return seen, nil
	}
}

// orThroughTeam wraps a readBack. If a target has the wanted roles, and further ones that
// teams give, the change was made as far as it can be.
func (b *bulk) orThroughTeam(readBack reader, wanted []string, present func(*target) []string, given func(*Team) []string) reader {
	var teams []*Team
	return func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
		seen, err := readBack(ctx, batch)
		if err != nil {
			return seen, err
		}
		for _, t := range batch {
			has := present(t)
			extra := slices.DeleteFunc(slices.Clone(has), func(uid string) bool { return slices.Contains(wanted, uid) })
			missing := slices.ContainsFunc(wanted, func(uid string) bool { return !slices.Contains(has, uid) })
			if seen[t] == changed || seen[t] == inconclusive || len(extra) == 0 || missing {
				continue
			}
			if teams == nil {
				if teams, err = b.client.teamsIfAny(ctx); err != nil {
					return seen, err
				}
			}
			if names := teamsThatGive(teams, t.user().UID, extra, given); names != "" {
				t.teams = names
				seen[t] = throughTeam
			}
		}
		return seen, nil
	}
}

// teamsThatGive names the teams of a user that give roles. It returns "" unless each of the
// roles comes through a team.
func teamsThatGive(teams []*Team, userUID string, roles []string, given func(*Team) []string) string {
	var names []string
	for _, uid := range roles {
		i := slices.IndexFunc(teams, func(t *Team) bool {
			return slices.Contains(t.UserUIDs, userUID) && slices.Contains(given(t), uid)
		})
		if i < 0 {
			return ""
		}
		names = append(names, fmt.Sprintf("role %s comes through team %q (%s)", uid, teams[i].Name, teams[i].UID))
	}
	return strings.Join(names, "; ")
}
