/*  What a program consists of, by SWI-Prolog's own reader and without running it.

    Of its directives only those are followed that decide how what comes after them is read: operators, and the import of
    the constraint libraries. All that is counted here is told of the text; a program has run nothing when it is.
*/

:- module(lowres_analysis, []).

:- set_module(base(system)).

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
    sort(Heads, Own),
    length(Own, Predicates),
    all_items(Terms, Items),
    findall(x, member_of(constraint, Items), Cs), length(Cs, Constraints),
    findall(x, (member_of(Item, Items), computes(Item, Own)), Os), length(Os, Operations),
    findall(Text, (member_of(literal(Value), Items), literal_text(Value, Text)), Literals),
    places(Placed, Own, Module, Names, Numbers).

member_of(X, [Y|Ys]) :- ( X = Y ; member_of(X, Ys) ).

functor_of(_:Head, Name, Arity) :- !, functor_of(Head, Name, Arity).
functor_of(Head, Name, Arity) :- callable(Head), functor(Head, Name, Arity).

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
term_kind((Head --> Body), _, [clause(Longer, dcg(Body))|More], More) :- !,
    ( nonvar(Head), Head = (Plain, _) -> true ; Plain = Head ),
    ( callable(Plain) -> Plain =.. Parts, '$append'(Parts, [_, _], All), Longer =.. All ; Longer = Plain ).
term_kind(Fact, _, [clause(Fact, true)|More], More).

directive(Goal, _, More, More) :- var(Goal), !.
directive(op(Priority, Type, Names), Module, More, More) :- !,
    catch(op(Priority, Type, Module:Names), _, true).
directive(use_module(Library), Module, More, More) :- !, operators_of(Library, Module).
directive(use_module(Library, _), Module, More, More) :- !, operators_of(Library, Module).
directive(module(_, Exports), Module, More, More) :- !,
    ( is_list(Exports) -> exported_operators(Exports, Module) ; true ).
directive(Goal, _, More, More) :- declaration(Goal), !.
directive(Goal, _, [directive(Goal)|More], More).

operators_of(Library, Module) :-
    nonvar(Library), Library = library(Name), atom(Name), solver(Name), !,
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

declaration(Goal) :- callable(Goal), functor(Goal, Name, _), declares(Name).

declares(dynamic).       declares(discontiguous).  declares(set_prolog_flag).  declares(style_check).
declares(table).         declares(initialization). declares(ensure_loaded).    declares(multifile).

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
    Goal =.. [_|Parts], expressions(Parts, Items, Rest).
goal(Goal, Items, Rest) :- arithmetic(Goal, Kind), !,
    ( Kind == comparison -> Items = [operation|More] ; More = Items ),
    Goal =.. [_|Parts], expressions(Parts, More, Rest).
goal(Goal, [call(Name/Arity)|Items], Rest) :- callable(Goal), !,
    functor(Goal, Name, Arity), arguments(Goal, Items, Rest).
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

constraint(Goal) :- callable(Goal), functor(Goal, Name, Arity), relation(Name, Arity), !.

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
    Constraint =.. [_|Parts], expressions(Parts, Items, Rest).
solved(_, Items, Items).

bare(Term) :- ( var(Term) ; number(Term) ), !.

%   expressions(+Terms, -Items, ?Rest): each function with arguments is an operation, but for the sign of a number.

expressions([], Items, Items).
expressions([Term|Terms], Items, Rest) :- expression(Term, Items, More), expressions(Terms, More, Rest).

expression(Term, Items, Rest) :- nonvar(Term), Term = -(Number), number(Number), !, data(Number, Items, Rest).
expression(Term, [operation|Items], Rest) :- compound(Term), \+ is_list(Term), !,
    Term =.. [_|Parts], expressions(Parts, Items, Rest).
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

literal_text(Value, Text) :-
    ( integer(Value) -> Bits is msb(abs(Value) + 1), Bits < 700 ; true ),
    format(atom(Text), '~w', [Value]),
    atom_length(Text, Length),
    Length =< 200.

%   computes(+Item, +Own): an operation, or a call of what is neither the program's own nor without any effect on an answer.

computes(operation, _).
computes(call(Called), Own) :- \+ member_of(Called, Own), \+ neutral(Called), !.

neutral((=)/2).     neutral(true/0).     neutral(fail/0).    neutral(false/0).   neutral(!/0).
neutral(write/1).   neutral(print/1).    neutral(nl/0).      neutral(writeln/1). neutral(format/1).
neutral(format/2).  neutral(halt/0).     neutral(halt/1).    neutral(label/1).   neutral(member/2).
neutral(memberchk/2). neutral(atom/1).   neutral(number/1).  neutral(integer/1). neutral(nonvar/1).
