package orguserstest

// firstNames and lastNames make the realistic users. Their addresses are made of
// the same letters, so the names are plain; the odd ones are in oddPeople.
var firstNames = []string{
	"Ada", "Aisha", "Alan", "Alice", "Amara", "Amir", "Ana", "Andre", "Anna", "Arjun", "Astrid", "Barbara", "Ben",
	"Camille", "Carlos", "Chen", "Chloe", "Clara", "Daniel", "David", "Deepa", "Diego", "Dmitri", "Elena", "Eli",
	"Emma", "Erik", "Fatima", "Felix", "Femi", "Fiona", "Grace", "Hana", "Hannah", "Hassan", "Helen", "Hugo", "Ibrahim",
	"Ingrid", "Isabel", "Ivan", "Jack", "James", "Jana", "Jin", "Joan", "Jonas", "Julia", "Kai", "Karen", "Katya",
	"Kenji", "Kofi", "Lars", "Laura", "Leila", "Leo", "Lina", "Linus", "Lucia", "Maja", "Marco", "Margaret", "Maria",
	"Marie", "Mateo", "Maya", "Mei", "Mia", "Mina", "Nadia", "Naomi", "Nia", "Niklas", "Nina", "Noah", "Nora", "Olga",
	"Oliver", "Omar", "Oscar", "Paolo", "Paula", "Peter", "Petra", "Priya", "Rafael", "Rahul", "Rosa", "Ruth", "Sam",
	"Sara", "Sean", "Sofia", "Sophie", "Sven", "Tariq", "Thomas", "Tim", "Uma", "Vera", "Victor", "Wei", "Yara", "Yuki",
	"Yusuf", "Zainab", "Zara",
}

var lastNames = []string{
	"Abbott", "Adeyemi", "Ahmed", "Almeida", "Andersen", "Bakker", "Barros", "Becker", "Bell", "Berg", "Bianchi",
	"Brown", "Carter", "Castro", "Chan", "Chandra", "Clark", "Cohen", "Costa", "Cruz", "Dahl", "Das", "Davies", "Diaz",
	"Dubois", "Edwards", "Eriksen", "Evans", "Farah", "Fernandes", "Fischer", "Foster", "Fujita", "Garcia", "Gomez",
	"Gupta", "Haas", "Haddad", "Hansen", "Hayashi", "Hopper", "Hughes", "Ito", "Ivanova", "Jain", "Jansen", "Jensen",
	"Johnson", "Jones", "Kaplan", "Khan", "Kim", "King", "Kowalski", "Kumar", "Larsen", "Laurent", "Lee", "Lewis",
	"Lindqvist", "Lopez", "Lovelace", "Martin", "Mbeki", "Meyer", "Mills", "Moreau", "Morgan", "Moreno", "Nakamura",
	"Nguyen", "Nielsen", "Novak", "Okafor", "Olsen", "Ortiz", "Park", "Patel", "Perez", "Petrov", "Quinn", "Rahman",
	"Ramos", "Reyes", "Ricci", "Roberts", "Rossi", "Roy", "Russo", "Santos", "Sato", "Schmidt", "Schneider", "Sharma",
	"Silva", "Singh", "Smith", "Sokolova", "Suzuki", "Tan", "Taylor", "Torres", "Turing", "Vargas", "Vogel", "Wagner",
	"Walker", "Wang", "Weber", "White", "Wilson", "Wood", "Wright", "Yamamoto", "Yilmaz", "Young", "Zhang", "Ziegler",
}

// oddPeople are the names and addresses that break careless programs: letters
// beyond ASCII, quotes and separators of CSV, and what a spreadsheet would run.
var oddPeople = []struct{ first, last, local string }{
	{"Sinéad", "O'Connor", "sinead.o'connor"},
	{"José", "Núñez", "jose.nunez"},
	{"Grace", "Hopper-Murray", "Grace.Hopper"},
	{"=HYPERLINK(\"http://example.com\")", "Smith", "hyper.link"},
	{"+1", "555 0100", "dial+sales"},
	{"-2+3", "Minus", "-minus"},
	{"@SUM(A1:A9)", "Formula", "=sum"},
	{"Dwayne \"The Rock\"", "Johnson", "the.rock"},
	{"Martin Luther, Jr.", "King", "m.l.king"},
	{"Line\nBreak", "Carriage\r\nReturn", "line.break"},
	{"王", "小明", "wang.xiaoming"},
	{"Łukasz", "Żółć", "lukasz.zolc"},
	{"  Blank ", "Spaces ", "BLANK.spaces"},
	{"محمد", "علي", "mohamed.ali"},
	{"Zoë 🚀", "Straße", "zoe"},
	{"Tab\tbed", "semi;colon", "tab.bed+newsletter"},
	{"＝1+1", "Wide", "full_width"},
	{"Cher", "", "cher"},
}

var domains = []string{"example.com", "example.com", "example.org", "example.net"}

// messages come with invitations; most have none.
var messages = []string{
	"", "", "", "", "Welcome aboard", "Please join us.", "Hello,\nthis is your access to the \"content\" stack.", "Grüße, dein Team",
}
