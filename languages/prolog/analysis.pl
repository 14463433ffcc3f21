/*  What a program consists of, by SWI-Prolog's own reader and without running it.

    Of its directives only those are followed that decide how what comes after them is read: operators, and the import of
    the constraint libraries. All that is counted here is told of the text; a program has run nothing when it is.
*/

:- module(lowres_analysis, []).

:- set_module(base(system)).

:- dynamic own/2, several/2.   % predicates that the program defines; those of them that have more than one clause
:- dynamic stands/2, live/1.   % a clause, by the name that it defines; names that may be called for an answer

%   analyse(+File, +StackBytes, +Inferences, -Result)
%
%   Result is [Status, Clauses, Predicates, Constraints, Operations, Literals, Names, Numbers]; Status is ok, or why there
%   is no more. For the last two see places.pl.

analyse(File, StackBytes, Inferences, Result) :-
    set_prolog_flag(stack_limit, StackBytes),
    catch(call_with_inference_limit(analysis(File, Result), Inferences, Limit), _, Limit = failed),
    !,
    ( Limit == ! -> true ; Limit == true -> true ; Result = [failed, 0, 0, 0, 0, [], [], []] ).
analyse(_, _, _, [failed, 0, 0, 0, 0, [], [], []]).

analysis(File, [ok, Clauses, Predicates, Constraints, Operations, Literals, Names, Numbers]) :-
    Module = lowres_analysed,
    set_module(Module:base(system)),
    setup_call_cleanup(open(File, read, Stream), terms(Stream, Module, Placed, Terms, []), close(Stream)),
    findall(Name/Arity, (member_of(clause(Head, _), Terms), functor_of(Head, Name, Arity)), Heads),
    length(Heads, Clauses),
    retractall(own(_, _)), retractall(several(_, _)), owned(Heads),
    findall(x, own(_, _), Ps), length(Ps, Predicates),
    all_items(Terms, Items),
    findall(x, member_of(constraint, Items), Cs), length(Cs, Constraints),
    reached(Terms),
    findall(Term, (member_of(Term, Terms), may_run(Term)), Running),
    all_items(Running, Done),
    findall(x, (member_of(Item, Done), computes(Item)), Os), length(Os, Computed),
    findall(x, (member_of(call(Called), Done), chooses(Called)), Choices), length(Choices, Chosen),
    ( Computed =:= 0 -> Operations is max(0, Chosen - 1) ; Operations = Computed ),
    findall(Text, (member_of(literal(Value), Items), literal_text(Value, Text)), Literals),
    places(Placed, Module, Names, Numbers).

owned([]).
owned([Name/Arity|Heads]) :-
    (   \+ own(Name, Arity) -> assertz(own(Name, Arity))
    ;   several(Name, Arity) -> true
    ;   assertz(several(Name, Arity))
    ),
    owned(Heads).

%   reached(+Terms): live/1 are the names that solve/1 and the directives lead to. What nothing leads to computes nothing,
%   if there is a solve/1; a name that stands anywhere in a clause may be called there.

reached(Terms) :-
    retractall(stands(_, _)), retractall(live(_)),
    forall(( member_of(clause(Head, Body), Terms), functor_of(Head, Name, _) ), assertz(stands(Name, Head-Body))),
    reach(solve),
    forall(( member_of(directive(Goal), Terms), named(Goal, Name) ), reach(Name)).

reach(Name) :- ( live(Name) ; \+ own(Name, _) ), !.
reach(Name) :- assertz(live(Name)), forall(( stands(Name, Clause), named(Clause, Other) ), reach(Other)).

named(Name, Name) :- atom(Name), !.
named(Term, Name) :-
    compound(Term),
    compound_name_arguments(Term, Functor, Parts),
    ( Name = Functor ; member_of(Part, Parts), named(Part, Name) ).

may_run(clause(Head, _)) :- own(solve, 1), !, functor_of(Head, Name, _), live(Name).
may_run(_).

member_of(X, [Y|Ys]) :- ( X = Y ; member_of(X, Ys) ).

functor_of(_:Head, Name, Arity) :- !, functor_of(Head, Name, Arity).
functor_of(Head, Name, Arity) :- compound(Head), !, compound_name_arity(Head, Name, Arity).  % foo() too
functor_of(Head, Head, 0) :- atom(Head).

%   terms(+Stream, +Module, -Placed, -Terms, ?Rest): each Term-Position, and what they are: clause(Head, Body) and
%   directive(Goal), in order. What cannot be read is skipped, as SWI-Prolog does.

terms(Stream, Module, Placed, Terms, Rest) :-
    Options = [module(Module), subterm_positions(Position)],
    catch(read_term(Stream, Term, Options), error(syntax_error(_), _), Term = '$unreadable'),
    (   Term == end_of_file
    ->  Terms = Rest, Placed = []
    ;   ( Term == '$unreadable' -> Placed = Others ; Placed = [Term-Position|Others] ),
        term_kind(Term, Module, Terms, More),
        terms(Stream, Module, Others, More, Rest)
    ).

term_kind(Var, _, Terms, Terms) :- var(Var), !.
term_kind('$unreadable', _, Terms, Terms) :- !.
term_kind((:- Goal), Module, Terms, More) :- !, directive(Goal, Module, Terms, More).
term_kind((?- Goal), Module, Terms, More) :- !, directive(Goal, Module, Terms, More).
term_kind((Head :- Body), _, [clause(Head, Body)|More], More) :- !.
term_kind('=>'(Head, Body), _, [clause(Plain, (Guard, Body))|More], More) :- !,
    ( nonvar(Head), Head = (Plain, Guard) -> true ; Plain = Head, Guard = true ).
term_kind((Head --> Body), _, [clause(Longer, dcg(Body))|More], More) :- !,
    ( nonvar(Head), Head = (Plain, _) -> true ; Plain = Head ),
    (   compound(Plain) -> compound_name_arguments(Plain, Name, Parts) ; Name = Plain, Parts = [] ),
    (   atom(Name) -> '$append'(Parts, [_, _], All), compound_name_arguments(Longer, Name, All) ; Longer = Plain ).
term_kind(Fact, _, [clause(Fact, true)|More], More).

directive(Goal, _, More, More) :- var(Goal), !.
directive((A, B), Module, Terms, More) :- !, directive(A, Module, Terms, Others), directive(B, Module, Others, More).
directive(initialization(Goal), Module, Terms, More) :- !, directive(Goal, Module, Terms, More).
directive(op(Priority, Type, Names), Module, More, More) :- !,
    without_modules(Names, Plain),
    catch(op(Priority, Type, Module:Plain), _, true).
directive(module(_, Exports), Module, More, More) :- !,
    ( is_list(Exports) -> exported_operators(Exports, Module) ; true ).
directive(Goal, Module, More, More) :- loads(Goal, Files), !, operators_of(Files, Module).
directive(Goal, _, More, More) :- functor_of(Goal, Name, _), declares(Name), !.
directive(Goal, _, [directive(Goal)|More], More).

without_modules(Name, Name) :- var(Name), !.
without_modules(_:Name, Plain) :- !, without_modules(Name, Plain).
without_modules([Name|Names], [Plain|Plains]) :- !, without_modules(Name, Plain), without_modules(Names, Plains).
without_modules(Name, Name).

loads([File|Files], [File|Files]).
loads(use_module(Files), Files).      loads(use_module(Files, _), Files).    loads(ensure_loaded(Files), Files).
loads(consult(Files), Files).         loads(reexport(Files), Files).         loads(load_files(Files, _), Files).

operators_of(Files, _) :- var(Files), !.
operators_of([File|Files], Module) :- !, operators_of(File, Module), operators_of(Files, Module).
operators_of(library(Name), Module) :- atom(Name), solver(Name), !,
    catch(Module:use_module(library(Name)), _, true).
operators_of(_, _).

solver(clpfd).
solver(clpb).
solver(clpq).
solver(clpr).

exported_operators([], _).
exported_operators([Export|Exports], Module) :-
    ( nonvar(Export), Export = op(P, T, N) -> catch(op(P, T, Module:N), _, true) ; true ),
    exported_operators(Exports, Module).

declares(dynamic).       declares(discontiguous).  declares(set_prolog_flag).  declares(style_check).
declares(table).         declares(public).         declares(multifile).        declares(meta_predicate).
declares(encoding).      declares(if).             declares(elif).             declares(else).
declares(endif).         declares(det).            declares(volatile).         declares(initialization).

%   all_items(+Terms, -Items): literal(Value), constraint, operation, and call(Name/Arity) of what may be the program's own.

all_items([], []).
all_items([Term|Terms], Items) :-
    items_of(Term, Items, Rest),
    all_items(Terms, Rest).

items_of(clause(Head, Body), Items, Rest) :- arguments(Head, Items, More), goal(Body, More, Rest).
items_of(directive(Goal), Items, Rest) :- goal(Goal, Items, Rest).

goal(Goal, Items, Items) :- var(Goal), !.
goal(dcg(Body), [operation|Items], Rest) :- !, data(Body, Items, Rest).  % parsing is computing
goal(_:Goal, Items, Rest) :- !, goal(Goal, Items, Rest).
goal(_^Goal, Items, Rest) :- !, goal(Goal, Items, Rest).
goal({Constraints}, Items, Rest) :- !, solved(Constraints, Items, Rest).
goal(Goal, Items, Rest) :- control(Goal, Goals), !, goals(Goals, Items, Rest).
goal(Goal, [operation|Items], Rest) :- computing(Goal, Goals, Data), !,
    goals(Goals, Items, More), all_data(Data, More, Rest).
goal(Goal, [constraint, operation|Items], Rest) :- constraint(Goal), !,
    compound_name_arguments(Goal, _, Parts), expressions(Parts, Items, Rest).
goal(Goal, Items, Rest) :- arithmetic(Goal, Kind), !,
    ( Kind == comparison -> Items = [operation|More] ; More = Items ),
    compound_name_arguments(Goal, _, Parts), expressions(Parts, More, Rest).
goal(Goal, [call(Name/Arity)|Items], Rest) :- functor_of(Goal, Name, Arity), !, arguments(Goal, Items, Rest).
goal(_, Items, Items).

goals([], Items, Items).
goals([Goal|Goals], Items, Rest) :- goal(Goal, Items, More), goals(Goals, More, Rest).

control((A, B), [A, B]).
control((A ; B), [A, B]).
control((A -> B), [A, B]).
control((A *-> B), [A, B]).
control(once(A), [A]).
control(ignore(A), [A]).
control(call(A), [A]).

computing(\+ A, [A], []).
computing(not(A), [A], []).
computing(forall(A, B), [A, B], []).
computing(findall(T, A, L), [A], [T, L]).
computing(aggregate_all(T, A, L), [A], [T, L]).
computing(bagof(T, A, L), [A], [T, L]).
computing(setof(T, A, L), [A], [T, L]).

arithmetic(_ is _, value).
arithmetic(_ =:= _, comparison).
arithmetic(_ =\= _, comparison).
arithmetic(_ < _, comparison).
arithmetic(_ > _, comparison).
arithmetic(_ =< _, comparison).
arithmetic(_ >= _, comparison).

constraint(Goal) :- functor_of(Goal, Name, Arity), relation(Name, Arity), !.

relation(#=, 2).   relation(#\=, 2).  relation(#<, 2).   relation(#>, 2).   relation(#=<, 2).  relation(#>=, 2).
relation(#<==>, 2). relation(#==>, 2). relation(#<==, 2). relation(#\/, 2).  relation(#/\, 2).  relation(#\, 1).
relation(in, 2).   relation(ins, 2).  relation(sum, 3).  relation(scalar_product, 4).
relation(all_different, 1).           relation(all_distinct, 1).            relation(sat, 1).
relation(lex_chain, 1).               relation(tuples_in, 2).               relation(element, 3).
relation(global_cardinality, 2).      relation(circuit, 1).                 relation(cumulative, 1).

%   solved(+Constraints, -Items, ?Rest): what stands in braces, each member of the conjunction for itself.

solved(Var, Items, Items) :- var(Var), !.
solved((A, B), Items, Rest) :- !, solved(A, Items, More), solved(B, More, Rest).
solved((A ; B), Items, Rest) :- !, solved(A, Items, More), solved(B, More, Rest).
solved(A = Number, [constraint|Items], Rest) :- bare(A), bare(Number), !,  % {X = 5} computes nothing
    expressions([A, Number], Items, Rest).
solved(Constraint, [constraint, operation|Items], Rest) :- compound(Constraint), !,
    compound_name_arguments(Constraint, _, Parts), expressions(Parts, Items, Rest).
solved(_, Items, Items).

bare(Term) :- ( var(Term) ; number(Term) ), !.

%   expressions(+Terms, -Items, ?Rest): each function with arguments is an operation, but for the sign of a number.

expressions([], Items, Items).
expressions([Term|Terms], Items, Rest) :- expression(Term, Items, More), expressions(Terms, More, Rest).

expression(Term, Items, Rest) :- nonvar(Term), Term = -(Number), number(Number), !, data(Number, Items, Rest).
expression(Term, [operation|Items], Rest) :- compound(Term), \+ is_list(Term), !,
    compound_name_arguments(Term, _, Parts), expressions(Parts, Items, Rest).
expression(Term, Items, Rest) :- data(Term, Items, Rest).

arguments(_:Term, Items, Rest) :- !, arguments(Term, Items, Rest).
arguments(Term, Items, Rest) :- compound(Term), !, compound_name_arguments(Term, _, Parts), all_data(Parts, Items, Rest).
arguments(_, Items, Items).

all_data([], Items, Items).
all_data([Term|Terms], Items, Rest) :- data(Term, Items, More), all_data(Terms, More, Rest).

data(Term, Items, Items) :- var(Term), !.
data([], Items, Items) :- !.
data([Head|Tail], Items, Rest) :- !, data(Head, Items, More), data(Tail, More, Rest).
data(Term, [literal(Term)|Items], Items) :- atomic(Term), !.
data(Term, Items, Rest) :- arguments(Term, Items, Rest).

longest_literal(200).  % characters; of a longer one, so many are kept

literal_text(Value, Text) :-
    format(atom(Whole), '~w', [Value]),
    longest_literal(Longest),
    ( sub_atom(Whole, 0, Longest, _, Text) -> true ; Text = Whole ).

%   computes(+Item): an operation, or a call of what is neither the program's own nor without any effect on an answer.

computes(operation).
computes(call(Name/Arity)) :- \+ own(Name, Arity), \+ neutral(Name/Arity).

%   chooses(+Called): takes one of several. What follows from two or more of these is derived; one alone looks up.

chooses(member/2).
chooses(memberchk/2).
chooses(Name/Arity) :- several(Name, Arity).

neutral((=)/2).     neutral(true/0).     neutral(fail/0).    neutral(false/0).   neutral(!/0).
neutral(write/1).   neutral(print/1).    neutral(nl/0).      neutral(writeln/1). neutral(format/1).
neutral(format/2).  neutral(halt/0).     neutral(halt/1).    neutral(label/1).   neutral(member/2).
neutral(memberchk/2). neutral(atom/1).   neutral(number/1).  neutral(integer/1). neutral(nonvar/1).
