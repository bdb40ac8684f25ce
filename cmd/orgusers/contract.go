package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
)

// knownKeys are the names of fields that the contract has. Other keys are only
// counted, since they can be addresses or names.
var knownKeys = strings.Fields(`
	_id __v access_without_sso account_id active admin api_key company count created_at created_by default
	default_value deleted_at description email enabled error error_code error_message errors event_type expires_on
	failed_attempts features first_name firstName firstname include_count invited_at invited_by is_enabled is_over_usage_allowed
	is_owner is_required is_transfer_set last_login_at last_name lastName lastname limit log logs max_limit message metadata
	module name notice org_roles org_uid organization organization_uid organizations organizationUid organizationRoles
	orgInvitationStatus owner owner_uid password_reset_required password_updated_at permissions plan plan_id remote_addr
	request response role roles rules settings share shared_org_uid shares sso stack_api_key stackRoleMapping stackApiKey stacks status sub_acl tags
	team teams tfa_status tfa_type transfer_sent_at transfer_to type uid update_at updated_at updated_by updatedAt createdAt user user_details
	user_uid userId username users`)

// probe is a read whose response is not fully documented.
type probe struct {
	point   string // what is unknown
	request orgusers.Request
}

func get(path string, query url.Values) orgusers.Request {
	return orgusers.Request{Method: http.MethodGet, Path: path, Query: query, ReadOnly: true}
}

// probes returns the reads of doctor --contract. Email is the caller's.
func probes(uid, email string) []probe {
	const share = "/v3/organizations/{organization_uid}/share"
	list := func(name, value string) url.Values {
		query := url.Values{"limit": {"50"}, "asc": {"created_at"}, "include_count": {"true"}}
		query.Set(name, value)
		return query
	}
	search := get(share+"/search", url.Values{"include_roles": {"true"}, "include_user_details": {"true"}})
	search.Method, search.Body = http.MethodPost, map[string][]string{"emails": {email}}
	teams := get("/v4/teams", url.Values{"limit": {"50"}})
	teams.Header = http.Header{"organization_uid": {uid}}
	return []probe{
		{"users: rows without flags", get(share, list("limit", "50"))},
		{"users: the form of roles with include_roles", get(share, list("include_roles", "true"))},
		{"users: the form of inviters with include_invited_by", get(share, list("include_invited_by", "true"))},
		{"users: the place of account details with include_user_details", get(share, list("include_user_details", "true"))},
		{"users: a page of more than 100 rows", get(share, list("limit", "101"))},
		{"users: a limit of 0", get(share, list("limit", "0"))},
		{"users: sorted by email", get(share, list("asc", "email"))},
		{"users: sorted by last_login_at", get(share, list("asc", "last_login_at"))},
		{"users: found by address", search},
		{"organization: with its plan", get("/v3/organizations/{organization_uid}", url.Values{"include_plan": {"true"}})},
		{"roles", get("/v3/organizations/{organization_uid}/roles", list("limit", "50"))},
		{"stacks", get("/v3/organizations/{organization_uid}/stacks", list("limit", "50"))},
		{"current user", get("/v3/user", url.Values{"include_orgs": {"true"}, "include_orgs_roles": {"true"}})},
		{"audit log: entries", get("/v3/organizations/{organization_uid}/logs", url.Values{"limit": {"25"}})},
		{"teams", teams},
	}
}

// observedForm is the form of a response, without any value of it.
type observedForm struct {
	Point    string   `json:"point"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Status   int      `json:"status,omitempty"`
	Failure  string   `json:"failure,omitempty"`
	Headers  []string `json:"headers,omitempty"` // names only
	MoreThan *bool    `json:"more_than_100_rows,omitempty"`
	Body     any      `json:"body,omitempty"`
}

// writeContract writes the forms of responses. The document does not name the
// organization: it is meant to be sent.
func (t *tool) writeContract(ctx context.Context, o *organization, seen *recorder) error {
	if o.uid == "" {
		return badInput("give --org UID; 'orgusers organizations list' shows the uids")
	}
	account, err := o.client.GetCurrentUser(ctx)
	if err != nil {
		return err
	}
	t.note("organization %s, account %s: only reads are sent, and the document has neither", plain(o.uid), plain(account.Email))
	var forms []observedForm
	all := probes(o.uid, account.Email)
	p := t.newProgress("reads")
	for i := 0; i < len(all); i++ {
		forms = append(forms, all[i].send(ctx, o.client, seen))
		if all[i].point == "teams" {
			all = append(all, teamProbe(seen.last["teams"].body)...)
		}
		p.Set(i+1, len(all))
	}
	p.Clear()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return t.writeJSON(&organization{fake: o.fake}, map[string]any{"version": version(), "responses": forms})
}

// teamProbe returns the read of the users of the first team, if there is one.
func teamProbe(body []byte) []probe {
	var list struct {
		Teams []struct {
			UID string `json:"uid"`
		} `json:"teams"`
	}
	if json.Unmarshal(body, &list) != nil || len(list.Teams) == 0 {
		return nil
	}
	users := get("/v3/organizations/{organization_uid}/teams/{team}/users", url.Values{"includeUserDetails": {"true"}, "include_count": {"true"}})
	users.PathValues = map[string]string{"team": list.Teams[0].UID}
	return []probe{{"teams: users of a team", users}}
}

func (p probe) send(ctx context.Context, client *orgusers.Client, seen *recorder) observedForm {
	p.request.Op = p.point
	a := observedForm{Point: p.point, Method: p.request.Method, Path: p.request.Path}
	err := client.Do(ctx, p.request, nil)
	kept, sent := seen.last[p.point]
	if !sent {
		a.Failure = "no response"
		if failure, ok := errors.AsType[*orgusers.Error](err); !ok || failure.StatusCode != 0 {
			a.Failure = "not sent"
		}
		return a
	}
	a.Status = kept.status
	for _, name := range slices.Sorted(maps.Keys(kept.header)) {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-ratelimit") || slices.Contains([]string{"retry-after", "x-request-id", "x-total-results", "x-skip", "x-limit", "x-contentstack-organization"}, lower) {
			a.Headers = append(a.Headers, lower)
		}
	}
	var body any
	if json.Unmarshal(kept.body, &body) != nil {
		if len(kept.body) > 0 {
			a.Body = "not JSON"
		}
		return a
	}
	if p.point == "users: a page of more than 100 rows" {
		object, _ := body.(map[string]any)
		rows, _ := object["shares"].([]any)
		more := len(rows) > 100
		a.MoreThan = &more
	}
	form := new(form)
	form.add(body)
	a.Body = form.render()
	return a
}

// form is the form of one JSON value, or of several in the same place.
type form struct {
	scalars map[string]bool
	objects int
	fields  map[string]*form
	present map[string]int
	other   int // the most keys of an object that the contract does not know
	arrays  bool
	items   *form
}

func (f *form) add(value any) {
	if f.scalars == nil {
		f.scalars, f.fields, f.present = map[string]bool{}, map[string]*form{}, map[string]int{}
	}
	switch value := value.(type) {
	case nil:
		f.scalars["null"] = true
	case bool:
		f.scalars["boolean"] = true
	case float64:
		f.scalars["number"] = true
	case string:
		f.scalars["string"] = true
	case []any:
		f.arrays = true
		for _, item := range value {
			if f.items == nil {
				f.items = new(form)
			}
			f.items.add(item)
		}
	case map[string]any:
		f.objects++
		other := 0
		for key, field := range value {
			if !slices.Contains(knownKeys, key) {
				other++
				continue
			}
			if f.fields[key] == nil {
				f.fields[key] = new(form)
			}
			f.fields[key].add(field)
			f.present[key]++
		}
		f.other = max(f.other, other)
	}
}

// render returns the form as JSON: names of types, objects and arrays of forms,
// or a list of them under "one of".
func (f *form) render() any {
	var forms []any
	if f.arrays {
		array := []any{}
		if f.items != nil {
			array = append(array, f.items.render())
		}
		forms = append(forms, array)
	}
	if f.objects > 0 {
		object := map[string]any{}
		for key, field := range f.fields {
			name := key
			if f.present[key] < f.objects {
				name += "?" // not in every object
			}
			object[name] = field.render()
		}
		if f.other > 0 {
			object["(other keys)"] = f.other
		}
		forms = append(forms, object)
	}
	for _, scalar := range slices.Sorted(maps.Keys(f.scalars)) {
		forms = append(forms, scalar)
	}
	if len(forms) == 1 {
		return forms[0]
	}
	return map[string]any{"one of": forms}
}
