package examples_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// build returns the path of the binary of a program.
func build(t *testing.T, program string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program.exe")
	if printed, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	return binary
}

// run runs a program for the organization of a fake, or without one if server is nil, in an
// empty directory. NAME=value is a variable of its environment, and any other text an argument.
func run(t *testing.T, binary string, server *orguserstest.Server, environmentAndArgs ...string) (stdout string, err error) {
	t.Helper()
	var environment, args []string
	for _, text := range environmentAndArgs {
		if name, _, ok := strings.Cut(text, "="); ok && strings.ToUpper(name) == name {
			environment = append(environment, text)
		} else {
			args = append(args, text)
		}
	}
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CONTENTSTACK_") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(append(command.Env, "TMPDIR="+command.Dir), environment...)
	if server != nil {
		command.Env = append(command.Env, "CONTENTSTACK_BASE_URL="+server.URL,
			"CONTENTSTACK_ORGANIZATION_UID="+server.OrganizationUID, "CONTENTSTACK_AUTHTOKEN="+server.AuthToken)
	}
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err = command.Run(); err != nil {
		t.Logf("%v: %s", err, &problems)
	}
	return out.String(), err
}

// expectLines fails the test unless a program printed these lines, in any order.
func expectLines(t *testing.T, printed string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !strings.Contains("\n"+printed, "\n"+line+"\n") {
			t.Errorf("want the line %q, got\n%s", line, printed)
		}
	}
}

// The recipe finds a user in both organizations, and removes the user from both. In the
// second, the account may not remove users at first, which does not stop the first.
func TestSeveralOrganizations(t *testing.T) {
	t.Parallel()
	const leaver = "leaver@example.com"
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "admin@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: leaver, SeveralOrganizations: true},
	))
	t.Cleanup(server.Close)
	program := build(t, save(t, snippets(t, "../docs/recipes/several-organizations.md")[0], "main.go"))
	printed, err := run(t, program, server, leaver)
	if err != nil || strings.Count(printed, "planned") != 2 {
		t.Errorf("got %s, %v", printed, err)
	}
	server.AddFault(orguserstest.Fault{Method: "DELETE", Path: "/v3/organizations/" + server.SecondOrganizationUID + "/share", Times: 1, Effect: orguserstest.Status(403)})
	printed, err = run(t, program, server, leaver, "apply")
	if err == nil || strings.Count(printed, "done") != 1 || strings.Count(printed, "failed rejected") != 1 {
		t.Errorf("got %s, %v", printed, err)
	}
	printed, err = run(t, program, server, leaver, "apply")
	if err != nil || strings.Count(printed, "done") != 1 || strings.Count(printed, "skipped not_in_organization") != 1 {
		t.Errorf("got %s, %v", printed, err)
	}
}

func TestWhoCanPublish(t *testing.T) {
	t.Parallel()
	const direct, member, both = "direct@example.com", "member@example.com", "both@example.com"
	server := orguserstest.NewServer(
		orguserstest.WithPeople(
			orguserstest.Person{Email: "owner@example.com", Owner: true},
			orguserstest.Person{Email: direct}, orguserstest.Person{Email: member}, orguserstest.Person{Email: both},
		),
		orguserstest.WithTeams(orguserstest.Team{Name: "Newsroom", Members: []string{member, both}, Stacks: map[string][]string{"Website": {"Developer"}}}),
	)
	t.Cleanup(server.Close)
	website := server.Stacks()[0]
	for _, stack := range server.Stacks() {
		if stack.Name == "Website" {
			website = stack
		}
	}
	for email, has := range map[string]bool{direct: true, member: false, both: true} {
		var uids []string
		for _, role := range website.Roles {
			if has && role.Name == "Developer" {
				uids = append(uids, role.UID)
			}
		}
		server.SetStackAccess(email, website.APIKey, uids...)
	}
	printed, err := run(t, build(t, save(t, snippets(t, "../docs/recipes/who-can-publish.md")[0], "main.go")), server, "Website", "Developer")
	if err != nil {
		t.Fatal(err)
	}
	expectLines(t, printed, "owner@example.com owns the organization", direct+" Developer directly", both+" Developer through the team Newsroom, and maybe directly")
}
