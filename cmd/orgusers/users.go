package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newUsersCommand(t *tool) *cobra.Command {
	return newGroup("users", "List, export, remove and restore users",
		newUsersListCommand(t),
		newUsersGetCommand(t),
		newUsersExportCommand(t),
		newUsersRemoveCommand(t),
		newUsersRestoreCommand(t),
	)
}

func newUsersListCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List members and pending invitations",
		Args:  noArgs,
	}
	filter := addFilterFlags(cmd)
	sort := addSortFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		order, err := sort.order()
		if err != nil {
			return err
		}
		if err := filter.check(); err != nil {
			return err
		}
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		if err := filter.checkRoles(ctx, o); err != nil {
			return err
		}
		users, err := t.readUsers(ctx, o, order, filter.keep)
		if err != nil {
			return err
		}
		return writeList(t, o, "users", users, []column[*orgusers.User]{
			{"Email", func(u *orgusers.User) string { return u.Email }},
			{"Name", fullName},
			{"Roles", roleNames},
			{"Status", func(u *orgusers.User) string { return string(u.Status) }},
			{"MFA", func(u *orgusers.User) string { return yesNo(u.MFA == orgusers.MFAVerified) }},
			{"Last seen", lastSeen},
		})
	}
	return cmd
}

// readUsers reads the users that a filter keeps.
func (t *tool) readUsers(ctx context.Context, o *organization, order orgusers.Sort, keep func(*orgusers.User) bool) ([]*orgusers.User, error) {
	p := t.newProgress("users")
	defer p.Clear()
	var users []*orgusers.User
	read := 0
	for u, err := range o.client.Users(ctx, &orgusers.ListUsersOptions{Sort: order}) {
		if err != nil {
			return nil, err
		}
		if keep(u) {
			users = append(users, u)
		}
		read++
		p.Set(read, -1)
	}
	return users, nil
}

// count returns a number of things: "1 user", "2 users".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func fullName(u *orgusers.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

// roleNames returns the organization roles as an export writes them.
func roleNames(u *orgusers.User) string {
	for _, column := range orgusers.DefaultColumns() {
		if column.Header == "Organization Roles" {
			return column.Value(u)
		}
	}
	return ""
}

func invitedBy(u *orgusers.User) string { return cmp.Or(u.InvitedBy.Email, u.InvitedBy.UID) }

func lastSeen(u *orgusers.User) string {
	if seen, ok := u.LastSeen(); ok {
		return seen.UTC().Format(time.DateOnly)
	}
	return ""
}

func newUsersGetCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "get ADDRESS",
		Short: "Show one user or invitation",
		Args:  oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isAddress(strings.TrimSpace(args[0])) {
				return badInput("%q is not a valid email address; 'orgusers users list --search TEXT' finds users by name", shorten(args[0]))
			}
			o, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			u, err := o.client.GetUser(cmd.Context(), args[0])
			if errors.Is(err, orgusers.ErrNotFound) && !errors.As(err, new(*orgusers.Error)) {
				return fmt.Errorf("no user and no invitation of the organization has the address %q", args[0])
			}
			if err != nil {
				return err
			}
			return t.writeDetails(o, "user", u, [][2]string{
				{"Email", u.Email},
				{"Name", fullName(u)},
				{"Status", string(u.Status)},
				{"Organization roles", roleNames(u)},
				{"MFA", string(u.MFA)},
				{"Last seen", lastSeen(u)},
				{"Last login", formatTime(u.LastLoginAt)},
				{"Invited by", invitedBy(u)},
				{"Invited at", formatTime(u.InvitedAt)},
				{"Created at", formatTime(u.CreatedAt)},
				{"Updated at", formatTime(u.UpdatedAt)},
				{"User uid", u.UID},
				{"Share uid", u.ShareUID},
				{"Access without SSO", yesNo(u.AccessWithoutSSO)},
				{"Message", u.Message},
			})
		},
	}
}

// filterFlags choose users.
type filterFlags struct {
	search, status, mfa string
	roles, domains      []string
	notSeenFor          days
	now                 time.Time
}

func addFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{now: time.Now()}
	cmd.Flags().StringVar(&f.search, "search", "", "only users with this `text` in the name or the address")
	cmd.Flags().StringVar(&f.status, "status", "", "only users of this `status`: accepted or pending")
	cmd.Flags().StringVar(&f.mfa, "mfa", "", "`on`: only users whose MFA the service reports; off: only the others")
	cmd.Flags().StringSliceVar(&f.roles, "role", nil, "only users with one of these organization `roles`, by name or uid, or owner; can be repeated")
	cmd.Flags().StringSliceVar(&f.domains, "domain", nil, "only users with addresses in one of these `domains`, such as example.com; can be repeated")
	cmd.Flags().Var(&f.notSeenFor, "not-seen-for", "only members who were last seen so many `days` ago or earlier; of a member without a login, the day of joining counts")
	return f
}

// check finds mistakes before anything is read.
func (f *filterFlags) check() error {
	switch {
	case !slices.Contains([]string{"", "accepted", "pending"}, f.status):
		return badInput("--status %q: want accepted or pending", f.status)
	case !slices.Contains([]string{"", "on", "off"}, f.mfa):
		return badInput("--mfa %q: want on or off", f.mfa)
	case f.notSeenFor != 0 && f.status == "pending":
		return badInput("--not-seen-for is for members, who are not pending: leave out --status pending")
	}
	for i, domain := range f.domains {
		domain = strings.TrimPrefix(strings.TrimSpace(domain), "@")
		if domain == "" || strings.Contains(domain, "@") {
			return badInput("--domain %q: want a domain such as example.com", f.domains[i])
		}
		f.domains[i] = domain
	}
	return nil
}

// checkRoles refuses roles that do not exist.
func (f *filterFlags) checkRoles(ctx context.Context, o *organization) error {
	if len(f.roles) == 0 {
		return nil
	}
	roles, err := readNamed(o.client.Roles(ctx), nameRole)
	if err != nil {
		return err
	}
	for _, role := range f.roles {
		if _, err := findNamed("organization role", append(roles, named{"owner", "owner"}), role); err != nil {
			return badInput("--role: %w", err)
		}
	}
	return nil
}

// keep reports whether the flags choose a user.
func (f *filterFlags) keep(u *orgusers.User) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(f.search)) }
	_, domain, _ := strings.Cut(u.Email[max(0, strings.LastIndex(u.Email, "@")):], "@")
	return (has(u.Email) || has(fullName(u))) &&
		(f.status == "" || string(u.Status) == f.status) &&
		(f.mfa == "" || (f.mfa == "on") == (u.MFA == orgusers.MFAVerified)) &&
		(len(f.roles) == 0 || slices.ContainsFunc(f.roles, func(role string) bool { return hasRole(u, strings.TrimSpace(role)) })) &&
		(len(f.domains) == 0 || slices.ContainsFunc(f.domains, func(d string) bool { return strings.EqualFold(d, domain) })) &&
		f.notSeenFor.met(u, f.now)
}

func hasRole(u *orgusers.User, nameOrUID string) bool {
	return u.Owner && strings.EqualFold(nameOrUID, "owner") || slices.ContainsFunc(u.Roles, func(role orgusers.RoleRef) bool {
		return role.UID == nameOrUID || strings.EqualFold(strings.TrimSpace(role.Name), nameOrUID)
	})
}

// days is a number of days in a flag. 0 means that it is not given.
type days int

// String returns the number for the usage.
func (d *days) String() string {
	if *d == 0 {
		return ""
	}
	return strconv.Itoa(int(*d))
}

// Set parses the flag.
func (d *days) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 36500 {
		return errors.New("want a number of days, 1 to 36500")
	}
	*d = days(n)
	return nil
}

// Type names the value in the usage.
func (d *days) Type() string { return "days" }

// met reports whether a member was not seen for so many days. A member of whom no
// login is known was seen when joining. A member without any known date was not seen.
func (d days) met(u *orgusers.User, now time.Time) bool {
	if d == 0 {
		return true
	}
	seen, ok := u.LastSeen()
	if !ok {
		seen = u.CreatedAt
		if u.InvitedAt.After(seen) {
			seen = u.InvitedAt
		}
	}
	return u.Status != orgusers.StatusPending && !seen.After(now.AddDate(0, 0, -int(d)))
}

// sortFlags are the order of users.
type sortFlags struct {
	by         string
	descending bool
}

var sortFields = []orgusers.SortField{
	orgusers.SortByEmail, orgusers.SortByFirstName, orgusers.SortByLastName, orgusers.SortByInvitedAt, orgusers.SortByLastLogin, orgusers.SortByCreated, orgusers.SortByUpdated,
}

// sortNames returns the fields as they are written in a flag: created, last-login.
func sortNames() []string {
	var names []string
	for _, field := range sortFields {
		names = append(names, strings.ReplaceAll(strings.TrimSuffix(string(field), "_at"), "_", "-"))
	}
	return names
}

func addSortFlags(cmd *cobra.Command) *sortFlags {
	f := new(sortFlags)
	cmd.Flags().StringVar(&f.by, "sort", "email", "sort by this `field`: "+strings.Join(sortNames(), ", "))
	cmd.Flags().BoolVar(&f.descending, "descending", false, "sort in descending order")
	return f
}

func (f *sortFlags) order() (orgusers.Sort, error) {
	i := slices.Index(sortNames(), f.by)
	if i < 0 {
		return orgusers.Sort{}, badInput("--sort %q: want %s", f.by, strings.Join(sortNames(), ", "))
	}
	return orgusers.Sort{By: sortFields[i], Descending: f.descending}, nil
}
