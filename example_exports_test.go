package orgusers_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func ExampleClient_ExportCSV() {
	client := team()
	ctx := context.Background()

	summary, err := client.ExportCSV(ctx, os.Stdout, &orgusers.ExportOptions{
		Columns: []orgusers.Column{
			{Header: "Address", Value: func(u *orgusers.User) string { return u.Email }},
			{Header: "Name", Value: func(u *orgusers.User) string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }},
			{Header: "Invited By", Value: func(u *orgusers.User) string { return u.InvitedBy.Email }},
		},
		Filter: func(u *orgusers.User) bool { return !u.Owner },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d users\n", summary.Rows, summary.Users)
	// Output:
	// Address,Name,Invited By
	// '=alan@example.com,'=alan N/A,ada@example.com
	// ada@example.com,Ada Lovelace,olga@example.com
	// grace@example.com,Grace Hopper,ada@example.com
	// mia@example.com,Mia Factor,ada@example.com
	// 4 of 5 users
}

func ExampleClient_ExportCSVFile() {
	client := team()
	ctx := context.Background()
	directory, err := os.MkdirTemp("", "export")
	if err != nil {
		log.Fatal(err)
	}

	// As the vendor's own tool would write it. Only a complete file gets the
	// name, and only its owner can read it.
	path := filepath.Join(directory, "users.csv")
	if _, err := client.ExportCSVFile(ctx, path, &orgusers.ExportOptions{Columns: orgusers.CSDXColumns()}); err != nil {
		log.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	header, _, _ := strings.Cut(string(file), "\n")
	fmt.Println(header)
	if err := os.RemoveAll(directory); err != nil {
		log.Fatal(err)
	}
	// Output: Email,User UID,Organization Role,Status,Invited By,Created Time,Updated Time
}

// Members who have not been seen for long, longest first.
func ExampleExportOptions() {
	client := team()
	ctx := context.Background()

	since := time.Date(2025, time.October, 1, 0, 0, 0, 0, time.UTC) // in a program, time.Now().AddDate(0, 0, -90)
	_, err := client.ExportCSV(ctx, os.Stdout, &orgusers.ExportOptions{
		Columns: []orgusers.Column{
			{Header: "Address", Value: func(u *orgusers.User) string { return u.Email }},
			{Header: "Last Login", Value: func(u *orgusers.User) string {
				if u.LastLoginAt.IsZero() {
					return "never"
				}
				return u.LastLoginAt.Format(time.DateOnly)
			}},
		},
		Filter: func(u *orgusers.User) bool {
			return u.Status == orgusers.StatusAccepted && u.LastLoginAt.Before(since) // as the zero time is
		},
		Sort: orgusers.Sort{By: orgusers.SortByLastLogin},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// Address,Last Login
	// mia@example.com,never
	// olga@example.com,never
	// grace@example.com,2025-06-02
}

func ExampleDefaultColumns() {
	for _, column := range orgusers.DefaultColumns() {
		fmt.Println(column.Header)
	}
	// Output:
	// Email
	// First Name
	// Last Name
	// Organization Roles
	// Status
	// MFA
	// Invited By
	// Invited At
	// Last Login At
	// User UID
	// Created At
	// Updated At
}

func ExampleCSDXColumns() {
	ada := &orgusers.User{Email: "ada@example.com", Status: orgusers.StatusAccepted, Roles: []orgusers.RoleRef{{Name: "Admin"}}}
	for _, column := range orgusers.CSDXColumns() {
		fmt.Println(strings.TrimSpace(column.Header + ": " + column.Value(ada)))
	}
	// Output:
	// Email: ada@example.com
	// User UID:
	// Organization Role: Admin
	// Status: accepted
	// Invited By: System
	// Created Time:
	// Updated Time:
}

// team starts a fake of the API with a few people, and makes a client of their
// administrator.
func team() *orgusers.Client {
	june := time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)
	january := time.Date(2026, time.January, 12, 0, 0, 0, 0, time.UTC)
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", FirstName: "Olga", LastName: "Owner", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, InvitedBy: "olga@example.com", LastLogin: january},
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", InvitedBy: "ada@example.com", LastLogin: june},
		orguserstest.Person{Email: "=alan@example.com", Pending: true, InvitedBy: "ada@example.com"},
		orguserstest.Person{Email: "mia@example.com", FirstName: "Mia", LastName: "Factor", InvitedBy: "ada@example.com"},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		panic(err)
	}
	return client
}
